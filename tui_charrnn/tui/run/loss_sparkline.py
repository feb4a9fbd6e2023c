"""The course of the loss, at a glance."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from tui_charrnn.tui.sparkline import Drawing, Mark, draw_bars, joined_columns


class LossSparkline(Widget):
    """Draws one bar a column over its height; see `draw_bars` for the scale."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"loss-sparkline--{mark}" for mark in Mark}
    DEFAULT_CSS = """
    LossSparkline {
        width: 1fr;
        height: 1;
        & .loss-sparkline--bar { color: $loss; }
        & .loss-sparkline--clipped { color: $loss 60%; }
        & .loss-sparkline--baseline { color: $baseline; }
        & .loss-sparkline--crossing { color: $background; background: $loss; }
    }
    """

    def __init__(
        self,
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - the name that every Textual widget has for it
        classes: str | None = None,
    ) -> None:
        """Start without columns.

        Args:
            name: The name of the widget.
            id: The id of the widget.
            classes: The CSS classes of the widget.
        """
        super().__init__(name=name, id=id, classes=classes)
        self._columns: tuple[float, ...] = ()
        self._baseline: float | None = None
        self._drawing = Drawing((), ())
        self._drawn_size: Size | None = None
        """The size that the columns are drawn for, or None while they are not."""

    @property
    def width_for_columns(self) -> int:
        """How many columns there is room for; 0 before the first layout."""
        return self.size.width

    def show(self, columns: Sequence[float], *, baseline: float | None = None) -> None:
        """Draw other values.

        Args:
            columns: One value a column, oldest first; if there are more than
                `width_for_columns`, neighbors are drawn as their mean, so that it is the whole
                series at any width.
            baseline: A loss to compare with; drawn where there is more than one row.
        """
        self._columns, self._baseline, self._drawn_size = tuple(columns), baseline, None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw a row.

        Args:
            y: The row, counted from the top.
        """
        width, height = self.size
        if not width or not 0 <= y < height:
            return Strip.blank(width, self.rich_style)
        if self._drawn_size != self.size:
            self._drawn_size = self.size
            shown = joined_columns(self._columns, width)
            self._drawing = draw_bars(shown, rows=height, baseline=self._baseline)
        segments = [
            Segment(text, self.get_component_rich_style(f"loss-sparkline--{mark}"))
            for text, mark in self._drawing.runs(y)
        ]
        return Strip(segments).crop_extend(0, width, self.rich_style)
