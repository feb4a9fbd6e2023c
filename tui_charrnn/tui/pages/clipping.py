"""The page on gradient clipping: a plain RNN is trained live with and without a gradient limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from tui_charrnn.lens.clipping import ClippingRun, ClippingSettings
from tui_charrnn.translation import tr
from tui_charrnn.tui.keys.keymap import bindings_of
from tui_charrnn.tui.pages.page import Page, colored
from tui_charrnn.viewing.gradient_pictures import CLIPPING_SIGNS, clipping_rows

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.content import Content

    from tui_charrnn.tui.background import BackgroundTask
    from tui_charrnn.tui.pages.page import PageContext

_LIMITS: Final = (0.1, 0.3, 1.0, 3.0, 10.0, 100.0)
_RADII: Final = (0.5, 0.9, 1.1, 1.4, 1.7, 2.0, 3.0)


class ClippingPage(Page):
    """Trains both runs again whenever a setting changes."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("clipping")]

    def __init__(self, context: PageContext) -> None:
        """Start with settings that make the effect of clipping visible."""
        title = tr("Clipping: a plain RNN, with and without a limit")
        super().__init__(context, "clipping", title)
        self.settings = ClippingSettings()
        self.runs: list[ClippingRun] = []
        """The unclipped run, then the clipped one; the background thread trains them."""

    def on_mount(self) -> None:
        """Start the training."""
        self.action_again()

    def action_again(self, seeds: int = 0) -> None:
        """Train both runs from the start; `seeds` is added to the RNG seed."""
        self.settings = replace(self.settings, rng_seed=self.settings.rng_seed + seeds)
        settings = self.settings
        self.show_note(
            tr(
                "Spectral radius {radius:g}, limit {limit:g}, learning rate {rate:g}, seed {seed}.",
                radius=settings.radius,
                limit=settings.limit,
                rate=settings.learning_rate,
                seed=settings.rng_seed,
            )
        )

        def work(task: BackgroundTask) -> Iterator[list[ClippingRun]]:
            runs = [ClippingRun(settings, is_clipped=each) for each in (False, True)]
            while len(runs[0].steps) < settings.steps:
                for run in runs:
                    for _ in range(10):  # steps between two updates of the picture
                        run.advance()
                yield runs
                task.wait(0.1)  # so that the progress stays visible

        self.compute(work, self._show_result)

    def action_radius(self, by: int) -> None:
        """Choose a spectral radius `by` places further in the list and train again."""
        self.settings = replace(self.settings, radius=_next(_RADII, self.settings.radius, by))
        self.action_again()

    def action_limit(self, by: int) -> None:
        """Choose a gradient limit `by` places further in the list and train again."""
        self.settings = replace(self.settings, limit=_next(_LIMITS, self.settings.limit, by))
        self.action_again()

    def _show_result(self, runs: list[ClippingRun]) -> None:
        self.runs = runs
        self.picture.draw()

    def rows(self, width: int, height: int) -> list[str | Content]:
        """The rows for both runs; none before their first steps."""
        if not self.runs:
            return []
        rows = clipping_rows(self.runs, self.settings, width, height)
        return [colored(row, CLIPPING_SIGNS) for row in rows]


def _next(choices: tuple[float, ...], now: float, by: int) -> float:
    place = choices.index(now) + by
    return choices[min(max(place, 0), len(choices) - 1)]
