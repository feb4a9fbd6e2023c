"""The loss chart: a run's losses, up to two other runs over them, and a second graph beside."""

import os
from dataclasses import replace
from typing import ClassVar, Final

from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tui_charrnn.translation import tr
from tui_charrnn.tui.background import Throttle
from tui_charrnn.tui.hints import no_run
from tui_charrnn.tui.keys.keymap import bindings_of
from tui_charrnn.tui.run.chart.canvas import Mark, glyphs_of
from tui_charrnn.tui.run.chart.drawing import Chart, draw_chart, draw_message, draw_quantity
from tui_charrnn.tui.run.chart.readout import NO_BATCH, nearest
from tui_charrnn.tui.run.chart.series import ChartOptions, Quantity, series_of
from tui_charrnn.viewing.run_view import RunView

PROGRESS_INTERVAL: Final = 2.0
"""Seconds between two drawings while only batches arrive: of all widgets, the chart costs the
training most and changes least."""


class LossChart(Widget, can_focus=True):
    """Draws `RunView`s; draws them again only if their data or the display options have changed.

    The cost of a frame depends on the size of the widget, not on the length of the runs.
    """

    OWNER: Final = "chart"
    DEFAULT_CLASSES = "framed"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(OWNER)]
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"loss-chart--{mark}" for mark in Mark}
    DEFAULT_CSS = """
    LossChart {
        width: 1fr;
        height: 1fr;
        & .loss-chart--axis { color: $foreground 30%; }
        & .loss-chart--label { color: $foreground 65%; }
        & .loss-chart--value { color: $foreground; }
        & .loss-chart--band { color: $loss 45%; }
        & .loss-chart--line { color: $loss; text-style: bold; }
        & .loss-chart--clipped { color: $loss; text-style: bold; }
        & .loss-chart--validation { color: $loss-validation; text-style: bold; }
        & .loss-chart--baseline { color: $baseline; }
        & .loss-chart--other { color: $loss-other; }
        & .loss-chart--other-validation { color: $loss-other; text-style: bold; }
        & .loss-chart--pinned { color: $foreground 50%; }
        & .loss-chart--second { color: $warning; }
        & .loss-chart--checkpoint { color: $success; }
        & .loss-chart--gap { color: $error; }
        & .loss-chart--cursor { color: $foreground 70%; }
    }
    """

    options: reactive[ChartOptions] = reactive(ChartOptions())
    cursor: reactive[int | None] = reactive[int | None](None)
    """The step to read out; None follows the newest."""

    def __init__(self, glyphs: str, *, is_second: bool = False, is_readonly: bool = False) -> None:
        """Show no run yet; a second chart draws the second quantity and takes no focus."""
        super().__init__()
        self.glyphs = glyphs_of(glyphs, os.environ.get("TERM", ""))
        self.can_focus = not is_second
        self._is_second = is_second
        self._no_run = no_run(is_readonly=is_readonly)
        self.has_second = False
        """Whether a second graph shows the quantity that else would be drawn over the losses."""
        self._views: tuple[RunView | None, RunView | None, RunView | None] = None, None, None
        """The shown, the compared and the pinned run."""
        self._known: object = None
        """The state of the runs when they were last shown."""
        self._chart = Chart([])
        self._drawn: object = None
        """What the chart was drawn from; if that has changed, the chart is out of date."""
        self._drawing = Throttle(self, self._redraw, PROGRESS_INTERVAL)
        self.border_title = Content(tr("Loss"))

    def show(
        self, view: RunView | None, other: RunView | None, pinned: RunView | None = None
    ) -> None:
        """Draw a run, with a compared and a pinned one."""
        before = self._views[0]
        if view is None or before is None or view.run != before.run:
            self.cursor, self._chart = None, Chart([])
        self._views = views = view, other, pinned
        seldom_changing = [each.seldom_changing if each else None for each in views]
        batches = [(each.newest_batch, each.batches, each.step) if each else None for each in views]
        if (seldom_changing, batches) != self._known:
            self._known = seldom_changing, batches
            self._drawing.request(seldom_changing)

    def _redraw(self) -> None:
        self._show_options()
        self.refresh()

    def _show_options(self) -> None:
        """Describe the display options below the chart."""
        text = self.glyphs.separator.join(self.options.describe(self._views[0]))
        if not self._is_second and str(self.border_subtitle) != text:
            self.border_subtitle = Content(text)

    def render_line(self, y: int) -> Strip:
        """Draw a row."""
        state = self.size, self.options, self.cursor, self.glyphs, self._known, self.has_second
        if state != self._drawn:
            self._chart, self._drawn = self._draw(), state
        rows = self._chart.rows
        segments = [
            Segment(text, self.get_component_rich_style(f"loss-chart--{mark}"))
            for text, mark in (rows[y] if y < len(rows) else [])
        ]
        return Strip(segments).crop_extend(0, self.size.width, self.rich_style)

    def watch_options(self) -> None:
        """Describe the new options, and drop the scale of the old ones."""
        self._show_options()
        self._chart = replace(self._chart, scale=None)

    def action_turn(self, choice: str) -> None:
        """Switch a display option, such as `span` or `smoothing`, to its next value."""
        self.options = self.options.with_next(choice)

    def action_move_cursor(self, columns: int) -> None:
        """Move the cursor by so many columns that have values."""
        readings = self._chart.readings
        if readings:
            last = len(readings) - 1
            place = last if self.cursor is None else nearest(readings, self.cursor)
            self.cursor = readings[min(max(place + columns, 0), last)].bucket.last_step

    def action_drop_cursor(self) -> None:
        """Return to the newest values."""
        self.cursor = None

    def on_click(self, event: events.Click) -> None:
        """Read out the values at the clicked column."""
        offset = event.get_content_offset(self)
        readings = self._chart.readings
        if offset is not None and readings:
            column = offset.x - self._chart.left
            picked = min(readings, key=lambda reading: abs(reading.column - column))
            self.cursor = picked.bucket.last_step

    def _draw(self) -> Chart:
        view, other, pinned = self._views
        size = self.size.width, self.size.height
        if view is None:
            return draw_message(self._no_run, size)
        if not view.losses.has_any and view.baselines is None:
            return draw_message(tr(NO_BATCH), size)
        if self._is_second:
            return draw_quantity(
                series_of(view, None, self.options, pinned),
                self.options,
                size,
                self.glyphs,
                cursor=self.cursor,
            )
        options = replace(self.options, quantity=Quantity.NONE) if self.has_second else self.options
        return draw_chart(
            series_of(view, other, options, pinned),
            options,
            size,
            self.glyphs,
            earlier=self._chart.scale,
            cursor=self.cursor,
        )


LEAST_WIDTH: Final = 130
"""Minimum columns to show the second graph."""


class Charts(Horizontal):
    """The loss chart and, in a wide terminal, a graph of the second quantity beside it."""

    def __init__(self, glyphs: str, *, is_readonly: bool = False) -> None:
        super().__init__()
        self.losses = LossChart(glyphs, is_readonly=is_readonly)
        self.second = LossChart(glyphs, is_second=True, is_readonly=is_readonly)

    def compose(self) -> ComposeResult:
        """The loss chart and the second graph."""
        yield self.losses
        yield self.second

    def on_mount(self) -> None:
        """Let the second graph follow the display options and the cursor of the loss chart."""
        self.second.display = False
        self.watch(self.losses, "options", self._follow)
        self.watch(self.losses, "cursor", self._follow)

    def on_resize(self) -> None:
        """Show the second graph if there is room for it."""
        has_room = self.size.width >= LEAST_WIDTH
        self.second.display = self.losses.has_second = has_room
        self.losses.refresh()

    def show(
        self, view: RunView | None, other: RunView | None, pinned: RunView | None = None
    ) -> None:
        """Draw a run; see `LossChart.show`."""
        self.losses.show(view, other, pinned)
        self.second.show(view, None, pinned)

    def _follow(self) -> None:
        options, second = self.losses.options, self.second
        chosen = options.quantity
        quantity = Quantity.NORM if chosen is Quantity.NONE else chosen
        second.options, second.cursor = replace(options, quantity=quantity), self.losses.cursor
        second.border_title = Content(tr(quantity.value.capitalize()))
