"""The page of the gates shows what the network computes with clamped gates."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.page_host import note_of, opened, page_context
from tests.support.shown_screen import screen_rows
from tests.support.tape_app import LENGTH, SETTINGS, fresh_tape, tape_app
from tests.support.tiny_model import tiny_model
from tests.support.waiting import wait_until
from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.neuron import Probe, gates_of, parse_clamps
from tui_charrnn.generation.sampling import distribution
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.lens.reading import try_clamps
from tui_charrnn.tui.pages.gates import GatesPage


def primed(cell: str = "lstm") -> CharacterStream:
    stream = CharacterStream(tiny_model(cell=cell, layer_count=2), SETTINGS)
    stream.prime("bad cab")
    return stream


@pytest.mark.parametrize("cell", ["lstm", "lstm+norm", "gru", "rnn"])
def test_untouched_gates_give_the_step_of_the_stream_bit_for_bit(cell: str) -> None:
    stream, other = primed(cell), primed(cell)
    for _ in range(9):
        other.next()
    trial = try_clamps(other, stream.snapshot(), (), 20)
    first = stream.next()
    plain = distribution(stream.logits, SamplingConfig(temperature=1))
    assert trial.probabilities.tobytes() == plain.tobytes()
    assert trial.indices == [first.index, *(stream.next().index for _ in range(19))]


def test_a_clamped_mean_is_the_measured_mean() -> None:
    stream = primed()
    clamps = parse_clamps(["0:f=0.25", "1:o=1"], stream.model.config)
    state = stream.snapshot()
    free, clamped = (try_clamps(stream, state, each, 1) for each in ((), clamps))
    assert clamped.means[Probe(0, "f")] == pytest.approx(0.25, abs=1e-6)
    assert clamped.means[Probe(1, "o")] == 1
    assert set(clamped.means) == set(gates_of(stream.model.config))
    assert np.abs(clamped.probabilities - free.probabilities).max() > 1e-4


async def test_gates_are_set_at_the_cursor_and_clamped_in_a_branch(tmp_path: Path) -> None:
    async with tape_app(tmp_path) as app:
        await app.press("left", "left")
        at = app.at
        await app.pilot.press("v")
        await wait_until(app.pilot, "the page", lambda: isinstance(app.app.screen, GatesPage))
        page = app.app.screen
        assert isinstance(page, GatesPage)
        await wait_until(app.pilot, "the gates", lambda: page.found is not None)
        tape = fresh_tape()
        for _ in range(LENGTH):
            tape.next()
        free = tape.position_at(at[1])
        assert page.found is not None
        heads = next(row for row in screen_rows(app.app) if "by itself" in row and "set" not in row)
        assert "clamped" in heads
        plain = distribution(free.logits, SamplingConfig(temperature=1))
        assert page.found.by_itself.probabilities.tobytes() == plain.tobytes()
        assert page.found.clamped.probabilities.tobytes() == plain.tobytes()

        await app.pilot.press("down", "0", "right")
        assert page.clamped == {Probe(0, "f"): 0.05}
        await app.pilot.press("r", "1")
        await wait_until(
            app.pilot,
            "another",
            lambda: (
                page.found is not None and bool(page.found.clamped.probabilities[0] != plain[0])
            ),
        )
        await app.pilot.press("enter")
        await wait_until(app.pilot, "a branch", lambda: app.text.branch == 1)
        assert [str(clamp) for clamp in app.app.session.settings.active_clamps.clamps] == ["0:f=1"]
        assert "0:f=1 clamped" in str(app.view.border_title)


async def test_a_page_without_a_text_shows_a_note(tmp_path: Path) -> None:
    page = GatesPage(page_context(tmp_path))
    async with opened(page) as pilot:
        await pilot.press("down", "0", "right", "a", "enter")
        assert "no text yet" in note_of(page)
