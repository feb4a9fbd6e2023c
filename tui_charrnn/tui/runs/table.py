"""The runs of a folder as a table that is kept up to date under the cursor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Final

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import DataTable

from tui_charrnn.translation import tr
from tui_charrnn.tui.sparkline import small_curve

if TYPE_CHECKING:
    from textual import events

    from tui_charrnn.viewing.run_rows import RunRow

_GAP: Final = 2  # columns between two cells
_LEAST_NAME: Final = 8  # columns
_WIDEST_NAME: Final = 40  # columns
_WIDEST: Final = 24  # columns of the corpus, and of the curve
_KINDS: Final = {"●": "live", "║": "paused", "✗": "trouble"}
"""Component class of the mark of a state."""


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of a fixed width."""

    key: str
    label: str
    width: int
    least: int = 0
    """The narrowest table, in columns, that shows it."""


COLUMNS: Final = (
    _Column("state", "state", 13),
    _Column("name", "run", 0),
    _Column("corpus", "corpus", 12, 72),
    _Column("step", "step", 11, 92),
    _Column("best", "best", 6),
    _Column("curve", "curve", 8, 64),
    _Column("age", "age", 4, 48),
)


class RunTable(DataTable[Text]):
    """Shows a row a run; the cursor stays on its run, wherever that moves."""

    BINDINGS: ClassVar[list[BindingType]] = [  # which go to the ends of a row, as inherited
        Binding("home", "scroll_top", show=False),
        Binding("end", "scroll_bottom", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "run-table--curve",
        "run-table--live",
        "run-table--paused",
        "run-table--trouble",
    }
    DEFAULT_CSS = """
    RunTable {
        height: 1fr;
        background: $background;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
        &:focus { background-tint: $foreground 0%; }
        & > .datatable--header { background: $background; color: $text-muted; }
        &:focus > .datatable--header { background-tint: $foreground 0%; }
        & .run-table--curve { color: $loss; }
        & .run-table--live { color: $text-success; }
        & .run-table--paused { color: $text-warning; }
        & .run-table--trouble { color: $text-error; }
    }
    """

    class Entered(Message):
        """Enter or a double click on the run under the cursor."""

    def __init__(self) -> None:
        super().__init__(cursor_type="row")
        self._rows: dict[str, RunRow] = {}
        self._drawn: tuple[_Column, ...] = ()

    @property
    def selected(self) -> str | None:
        """The key of the run under the cursor."""
        keys = list(self._rows)
        return keys[self.cursor_row] if 0 <= self.cursor_row < len(keys) else None

    def show(self, rows: Mapping[str, RunRow], *, cursor: str | None = None) -> None:
        """Show runs by a key that stays the same; without a cursor, it stays on its run."""
        before, selected = self._rows, self.selected
        wanted = cursor if cursor in rows else selected
        self._rows = dict(rows)
        if list(before) != list(rows) or wanted != selected:
            self._fill(wanted)
            return
        for key, row in rows.items():
            if row != before[key]:
                self._update(key, row)

    def on_resize(self) -> None:
        """Show the columns that fit."""
        if self._drawn != _fitting(self.size.width):
            self._fill(self.selected)

    def on_mount(self) -> None:
        """Redraw as soon as the theme changes."""
        self.app.theme_changed_signal.subscribe(
            self, lambda _: self.call_after_refresh(self._fill, self.selected)
        )

    def on_click(self, event: events.Click) -> None:
        """A double click is like Enter."""
        if event.chain == 2 and event.style.meta.get("row", -1) >= 0:
            self.action_select_cursor()

    def action_select_cursor(self) -> None:
        """Post `Entered` for the run under the cursor."""
        if self.selected is not None:
            self.post_message(self.Entered())

    def _fill(self, cursor: str | None) -> None:
        """Build the whole table, with the cursor on a run and the view where it was."""
        top, position, keys = self.scroll_offset.y, self.cursor_row, list(self._rows)
        self._drawn = _fitting(self.size.width)
        self.clear(columns=True)
        for column in self._drawn:
            self.add_column(Text(tr(column.label).capitalize()), width=column.width, key=column.key)
        for key, row in self._rows.items():
            self.add_row(*self._cells(row), key=key)
        if keys:
            place = keys.index(cursor) if cursor in keys else min(position, len(keys) - 1)
            self.move_cursor(row=place, scroll=False)
            self.call_after_refresh(self._scroll_back, top)

    def _scroll_back(self, top: int) -> None:
        self.scroll_to(y=top, animate=False)
        self.move_cursor(row=self.cursor_row)  # into view, if the rows above are fewer now

    def _update(self, key: str, row: RunRow) -> None:
        for column, cell in zip(self._drawn, self._cells(row), strict=True):
            if self.get_cell(key, column.key) != cell:
                self.update_cell(key, column.key, cell)

    def _cells(self, row: RunRow) -> list[Text]:
        return [self._cell(row, column) for column in self._drawn]

    def _cell(self, row: RunRow, column: _Column) -> Text:
        cell = Text(no_wrap=True, overflow="ellipsis")
        if column.key == "state":
            cell.append(row.mark, self._style(_KINDS.get(row.mark)))
            return cell.append(f" {row.state}")
        if column.key == "curve":
            curve = small_curve(row.curve, column.width)
            return cell.append(curve, self._style("curve" if row.curve else None))
        return cell.append(str(getattr(row, column.key)))

    def _style(self, kind: str | None) -> Style:
        if kind is None:
            return Style.null()
        return self.get_component_rich_style(f"run-table--{kind}", partial=True)


def _fitting(width: int) -> tuple[_Column, ...]:
    """The columns that fit; name, corpus and curve share what the others leave."""
    fitting = [column for column in COLUMNS if width >= column.least]
    left = width - sum(column.width + _GAP for column in fitting) - 1
    name = max(_LEAST_NAME, min(_WIDEST_NAME, left))
    more = max(0, (left - name) // 2)
    widths = {"name": name, "corpus": min(_WIDEST, 12 + more), "curve": min(_WIDEST, 8 + more)}
    return tuple(replace(column, width=widths.get(column.key, column.width)) for column in fitting)
