"""The teaser: a recorded training, shown while there is no run."""

import json
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from rich.cells import set_cell_size
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one

from tui_charrnn.translation import tr
from tui_charrnn.tui.keys.keymap import tr_keys
from tui_charrnn.tui.run.run_card import LossSparkline, TextLines
from tui_charrnn.tui.sparkline import joined_columns

_FILE: Final = Path(__file__).parent / "teaser.json"
"""Recorded from a run by scripts/teaser.py."""
_LABEL: Final = 12  # columns
_ROOMY: Final = 60  # minimum columns for a sample beside its step
_ROWS: Final = 2  # rows of a sample that has no room beside its step


class Teaser(Vertical):
    """The loss curve of a recorded run, and samples from one seed text during its training."""

    DEFAULT_CLASSES = "framed"
    DEFAULT_CSS = """
    Teaser {
        height: auto;
        padding: 0 1;
        & LossSparkline { height: 3; margin-bottom: 1; }
        & Static { height: auto; }
    }
    """

    losses = query_one(LossSparkline)
    words = query_one("#teaser-words", TextLines)

    def __init__(self, *, is_readonly: bool = False) -> None:
        super().__init__()
        self._is_readonly = is_readonly
        self.border_title = Content(tr("What training looks like"))

    def compose(self) -> ComposeResult:
        """Losses and text."""
        yield LossSparkline()
        yield TextLines(id="teaser-words")

    def on_resize(self) -> None:
        """Show as much as fits."""
        width = self.content_size.width
        if width:
            self.losses.show(partial(joined_columns, _record()["losses"]))
            lines = _lines(width)
            if not self._is_readonly:
                words = tr_keys("{run.train} trains on a text of yours; a minute is enough.")
                lines += [Content(""), Content(words)]
            self.words.show(Content("\n").join(lines))


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
    return lines
