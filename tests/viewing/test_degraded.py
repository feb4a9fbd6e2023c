"""A run with a full disk shows that on its card and in its state line."""

from pathlib import Path

from tests.support.hostile_text import HOSTILE
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import Verdict
from tui_charrnn.viewing.run_formatting import card_rows, format_state
from tui_charrnn.viewing.run_view import RunView

FULL = "disk full, last saved step 8,000"


def seen(degraded: str, state: RunState = RunState.TRAINING) -> RunView:
    view = RunView(RunDirectory(Path("run")))
    life: Verdict = "alive" if state.is_live else "ended"
    view.observe(RunStatus(state=state, step=8_100, degraded=degraded), life, 0.0)
    return view


def test_the_card_says_it_first() -> None:
    assert card_rows(seen(FULL))[0] == ("degraded", FULL)


def test_the_state_says_that_it_is_so() -> None:
    assert format_state(seen(FULL), 0.0) == "training, degraded"
    assert format_state(seen(""), 0.0) == "training"


def test_a_run_that_is_well_or_has_ended_says_nothing_of_it() -> None:
    for view in (seen(""), seen(FULL, RunState.FAILED)):
        assert "degraded" not in [label for label, _ in card_rows(view)]
    assert format_state(seen(FULL, RunState.FAILED), 0.0) == "failed"


def test_what_a_stranger_says_is_safe_to_show() -> None:
    (row,) = [row for row in card_rows(seen(HOSTILE)) if row[0] == "degraded"]
    assert "\x1b" not in row[1]
    assert "\n" not in row[1]
