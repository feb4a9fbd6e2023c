"""Neurons as rows: which property each follows, how closely, and whether it is held."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.message import Message
from textual.strip import Strip

from tui_charrnn.tui.cursor_list import CursorView
from tui_charrnn.tui.text.alternative_rows import bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui_charrnn.generation.clamping import Clamp
    from tui_charrnn.generation.neuron import Neuron
    from tui_charrnn.tui.xray.neuron_search import Follower

_CELL: Final = 9  # columns of a neuron's name
_R: Final = 6
_BAR: Final = 10
_HELD: Final = 12
_NAME: Final = 16
_ROOMY: Final = 84
"""Columns from which on there is room for what a property means."""
_GAP: Final = "  "

Row = tuple["Neuron", "Follower | None"]
"""A neuron, and what it follows; None if it is only held."""


class CellColored(Message):
    """The text is to be colored by a neuron."""

    def __init__(
        self, name: str, mean: float | None = None, deviation: float | None = None
    ) -> None:
        self.name = name
        self.mean = mean
        """Of the neuron over a text, if that is known."""
        self.deviation = deviation
        """Its standard deviation there."""
        super().__init__()


class NeuronList(CursorView):
    """Has a cursor on one neuron; says something else while there are none."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "neuron-list--about",
        "neuron-list--cell",
        "neuron-list--held",
        "neuron-list--bar",
        "neuron-list--cursor",
    }
    DEFAULT_CSS = """
    NeuronList {
        background: $background;
        overflow: hidden auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        & .neuron-list--about { color: $text-muted; }
        & .neuron-list--cell { color: $foreground; }
        & .neuron-list--held { color: $accent; text-style: bold; }
        & .neuron-list--bar { color: $accent; }
        & .neuron-list--cursor { background: $panel; color: $foreground; text-style: bold; }
        &:focus .neuron-list--cursor { background: $primary 40%; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self.colored: str = ""
        """The name of the neuron that the text is colored by."""
        self._held: dict[Neuron, Clamp] = {}
        self._instead = ""

    @property
    def selected(self) -> Row | None:
        """The row that has the cursor."""
        return self.rows[self.cursor] if self.rows else None

    def show(self, rows: Sequence[Row], held: Sequence[Clamp], instead: str = "") -> None:
        """Show these neurons; the cursor stays on the one that has it.

        Args:
            rows: In their order.
            held: Those of the model that are held.
            instead: What is said where there are no rows; safe to show.
        """
        before = self.selected
        self.rows, self._instead = list(rows), instead
        self._held = {clamp.neuron: clamp for clamp in held}
        cursor = self.rows.index(before) if before in self.rows else 0
        self.take_count(len(self.rows), cursor)

    def render_line(self, y: int) -> Strip:
        """Draw a row of the view.

        Args:
            y: The row, counted from the top of the view.
        """
        width, index = self.scrollable_content_region.width, self.scroll_offset.y + y
        if index >= len(self.rows):
            words = _wrapped(self._instead, width, y) if not self.rows else ""
            about = self.get_component_rich_style("neuron-list--about")
            return Strip([Segment(words, about)]).adjust_cell_length(width, self.rich_style)
        look = Style.null()
        if index == self.cursor:
            look = self.get_component_rich_style("neuron-list--cursor", partial=True)
        segments = []
        for text, columns, kind in self._cells(*self.rows[index], width):
            style = self.get_component_rich_style(f"neuron-list--{kind}") + look
            segments.append(Segment(_cut(text, columns) + _GAP, style))
        return Strip(segments).crop_extend(0, width, self.rich_style + look)

    def _cells(
        self, neuron: Neuron, follower: Follower | None, width: int
    ) -> list[tuple[str, int, str]]:
        """Text, columns and kind of every cell of a row."""
        mark = "▸" if str(neuron) == self.colored else " "
        clamp = self._held.get(neuron)
        held = f"= {clamp.value:g}" if clamp is not None else ""
        kind = "cell" if clamp is None else "held"
        cells = [(f"{mark} {neuron}", _CELL, kind)]
        if follower is None:
            words = f"{held:<{_HELD}}  not among what was found"
            return [*cells, (words, max(width - _CELL - len(_GAP), 1), "held")]
        r = follower.cell.r
        cells += [(f"{r:+.3f}", _R, "cell"), (bar(abs(r), _BAR), _BAR, "bar")]
        cells += [(follower.property.name, _NAME, "cell"), (held, _HELD, "held")]
        left = width - sum(columns + len(_GAP) for _, columns, _ in cells) - len(_GAP)
        if width >= _ROOMY:
            cells.append((follower.property.sentence, max(left, 1), "about"))
        return cells


def _wrapped(words: str, width: int, row: int) -> str:
    """One row of some words, broken where they fit."""
    # deferred: only an empty list says something
    import textwrap  # noqa: PLC0415 - as said

    rows = textwrap.wrap(words, max(width - 1, 1))
    return f" {rows[row]}" if row < len(rows) else ""


def _cut(text: str, columns: int) -> str:
    """A text in so many columns, with an ellipsis if it is longer."""
    if cell_len(text) > columns:
        return set_cell_size(text, columns - 1) + "…"
    return set_cell_size(text, columns)
