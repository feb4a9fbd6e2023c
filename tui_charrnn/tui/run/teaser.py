"""What training looks like, for those who have no run yet: a recorded one, in few rows."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from rich.cells import set_cell_size
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one

from tui_charrnn.translation import tr
from tui_charrnn.tui.keys.keymap import key_label
from tui_charrnn.tui.run.run_card import LossSparkline, Words

_FILE: Final = Path(__file__).parent / "teaser.json"
"""Written by scripts/teaser.py from a run."""
_LABEL: Final = 12  # columns
_ROOMY: Final = 60  # columns from which on a sample has one row, beside its step
_ROWS: Final = 2  # of a sample where it has no room beside its step


class Teaser(Vertical):
    """The curve of a run, and what its weights generated from one seed text on the way."""

    DEFAULT_CSS = """
    Teaser {
        height: auto;
        padding: 0 1;
        border: round $foreground 25%;
        border-title-color: $text-muted;
        & LossSparkline { height: 3; margin-bottom: 1; }
        & Static { height: auto; }
    }
    """

    losses = query_one(LossSparkline)
    words = query_one("#teaser-words", Words)

    def __init__(self) -> None:
        super().__init__()
        self.border_title = Content(tr("What training looks like"))

    def compose(self) -> ComposeResult:
        """Losses, and words."""
        yield LossSparkline()
        yield Words(id="teaser-words")

    def on_resize(self) -> None:
        """Write as much as fits."""
        width = self.content_size.width
        if width:
            self.losses.show(_record()["losses"])
            self.words.show(Content("\n").join(_lines(width)))


@cache
def _record() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return found


def _lines(width: int) -> list[Content]:
    record = _record()
    first, last = record["losses"][0], record["validation"]
    lines = [
        Content(tr("{corpus}, preset {preset}", corpus=record["corpus"], preset=record["preset"])),
        Content(
            tr(
                "loss {first:.1f} to {last:.2f} in {steps:,} steps",
                first=first,
                last=last,
                steps=record["steps"],
            )
        ),
        Content(""),
    ]
    seed = Content.styled(record["seed_text"], "bold")
    for step, sample in record["samples"]:
        label, text = tr("step {step:,}", step=step), " ".join(sample.split())
        if width >= _ROOMY:
            label = set_cell_size(label, _LABEL)
            lines.append(Content.assemble((label, "dim"), seed, f" {text[: width // 2]}"))
        else:
            whole = seed.append(f" {text}")
            rows = (whole[row * width : (row + 1) * width] for row in range(_ROWS))
            lines += [Content.styled(label, "dim"), *rows]
    invitation = tr(
        "{key} trains on a text of yours; a minute is enough.", key=key_label("run.train")
    )
    return [*lines, Content(""), Content(invitation)]
