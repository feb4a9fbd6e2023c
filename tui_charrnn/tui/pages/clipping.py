"""Clipping: a plain RNN that trains while one looks, with and without a limit for its gradient."""

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
        """Begin with the settings that show it best."""
        title = tr("Clipping: a plain RNN, with and without a limit")
        super().__init__(context, "clipping", title)
        self.settings = ClippingSettings()
        self.runs: list[ClippingRun] = []
        """The one without a limit, then the one with it; the thread trains them."""

    def on_mount(self) -> None:
        """Train."""
        self.action_again()

    def action_again(self, seeds: int = 0) -> None:
        """Train both from the start, with other weights for another seed."""
        self.settings = replace(self.settings, rng_seed=self.settings.rng_seed + seeds)
        settings = self.settings
        self.tell(
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
                    for _ in range(10):  # steps between two drawings
                        run.advance()
                yield runs
                task.wait(0.1)  # so that one sees how it comes

        self.compute(work, self._take)

    def action_radius(self, by: int) -> None:
        """Take another spectral radius."""
        self.settings = replace(self.settings, radius=_next(_RADII, self.settings.radius, by))
        self.action_again()

    def action_limit(self, by: int) -> None:
        """Take another limit."""
        self.settings = replace(self.settings, limit=_next(_LIMITS, self.settings.limit, by))
        self.action_again()

    def _take(self, runs: list[ClippingRun]) -> None:
        self.runs = runs
        self.picture.draw()

    def rows(self, width: int, height: int) -> list[str | Content]:
        """Both runs; nothing before their first steps."""
        if not self.runs:
            return []
        rows = clipping_rows(self.runs, self.settings, width, height)
        return [colored(row, CLIPPING_SIGNS) for row in rows]


def _next(choices: tuple[float, ...], now: float, by: int) -> float:
    place = choices.index(now) + by
    return choices[min(max(place, 0), len(choices) - 1)]
