"""The charts of a run: its losses, and in a wide terminal a second graph beside them."""

from dataclasses import replace
from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content

from tui_charrnn.translation import tr
from tui_charrnn.tui.run.chart.quantities import Quantity
from tui_charrnn.tui.run.loss_chart import LossChart
from tui_charrnn.viewing.run_view import RunView

LEAST_WIDTH: Final = 130
"""Columns from which on there is room for the second graph."""


class Charts(Horizontal):
    """Where it is wide, what else would lie over the losses has a graph of its own."""

    def __init__(self, glyphs: str = "auto") -> None:
        """Begin without a run.

        Args:
            glyphs: Signs to draw with, by name, unless the environment names others.
        """
        super().__init__()
        self.losses = LossChart(glyphs)
        self.second = LossChart(glyphs, is_second=True)

    def compose(self) -> ComposeResult:
        """Both."""
        yield self.losses
        yield self.second

    def on_mount(self) -> None:
        """Let the second graph follow the look and the cursor of the losses."""
        self.second.display = False
        self.watch(self.losses, "look", self._follow)
        self.watch(self.losses, "cursor", self._follow)

    def on_resize(self) -> None:
        """Show the second graph where there is room for it."""
        has_room = self.size.width >= LEAST_WIDTH
        self.second.display = self.losses.has_second = has_room
        self.losses.refresh()

    def show(
        self, view: RunView | None, other: RunView | None, pinned: RunView | None = None
    ) -> None:
        """Draw what is known of a run; see `LossChart.show`."""
        self.losses.show(view, other, pinned)
        self.second.show(view, None, pinned)

    def _follow(self) -> None:
        look, second = self.losses.look, self.second
        chosen = look.quantity
        quantity = Quantity.NORM if chosen is Quantity.NONE else chosen
        second.look, second.cursor = replace(look, quantity=quantity), self.losses.cursor
        second.border_title = Content(tr(quantity.value.capitalize()))
