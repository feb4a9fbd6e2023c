"""A row with one mark a sample, by which a run's childhood is gone through."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui_charrnn.viewing.childhood import mark_columns, nearest_mark

_SIGNS: Final = {"track": "─", "mark": "•", "current": "●"}


class SampleSlider(Widget):
    """Draws marks where the samples' steps are; tells which one the mouse points at."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"sample-slider--{part}" for part in _SIGNS}
    DEFAULT_CSS = """
    SampleSlider {
        width: 1fr;
        height: 1;
        & .sample-slider--track { color: $foreground 25%; }
        & .sample-slider--mark { color: $text-muted; }
        & .sample-slider--current { color: $primary; text-style: bold; }
    }
    """

    @dataclass
    class Picked(Message):
        """The mouse points at a sample."""

        index: int

    def __init__(self) -> None:
        super().__init__()
        self._steps: tuple[int, ...] = ()
        self._current = -1

    def show(self, steps: Sequence[int], current: int) -> None:
        """Draw other marks.

        Args:
            steps: Of the samples, ascending.
            current: The index of the one that is shown.
        """
        self._steps, self._current = tuple(steps), current
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the row.

        Args:
            y: The row, counted from the top.
        """
        width = self.size.width
        if y:
            return Strip.blank(width, self.rich_style)
        columns = mark_columns(self._steps, width)
        parts = ["track"] * width
        for column in columns:
            parts[column] = "mark"
        if columns:
            parts[columns[self._current]] = "current"
        segments = [
            Segment(
                _SIGNS[part] * len(list(group)),
                self.get_component_rich_style(f"sample-slider--{part}"),
            )
            for part, group in itertools.groupby(parts)
        ]
        return Strip(segments).crop_extend(0, width, self.rich_style)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Go to the nearest sample, and follow the mouse."""
        self.capture_mouse()
        self._pick(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Go where the mouse is drawn to."""
        if self.app.mouse_captured is self:
            self._pick(event.x)

    def on_mouse_up(self) -> None:
        """Let the mouse go."""
        self.release_mouse()

    def _pick(self, column: int) -> None:
        columns = mark_columns(self._steps, self.size.width)
        if columns:
            self.post_message(self.Picked(nearest_mark(columns, column)))
