"""The pages on gradients: how far back a model looks, and clipping."""

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.getters import query_one

from tui_charrnn.config import ClippingSettings, SamplingConfig
from tui_charrnn.errors import CorpusError
from tui_charrnn.generation.model_lookup import find_model
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.training_corpus import TrainingTexts
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.lens.clipping import ClippingRun
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.dialogs import SafeInput
from tui_charrnn.tui.keys.keymap import bindings_of
from tui_charrnn.tui.pages.page import Page, PageContext, colored
from tui_charrnn.tui.text.model_loader import LoadedModel
from tui_charrnn.viewing.gradient_pictures import (
    CHARACTERS,
    CLIPPING_SIGNS,
    SIGNS,
    MemoryCurve,
    clipping_rows,
    measure_model,
    memory_rows,
    run_rows,
)

_WRITTEN: Final = 2_000
"""Characters to generate as the text if the corpus of the model is not available."""
_PASSES: Final = ((_WRITTEN, 100), (CHARACTERS, 1_000))
"""Characters to read and positions to measure from, in each pass: a rough picture first."""


class MemoryPage(Page):
    """Draws the mean influence by distance for the current model or for named models."""

    AUTO_FOCUS = "#memory-models"
    OWNER = "memory"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(OWNER)]

    models = query_one("#memory-models", SafeInput)

    def __init__(self, context: PageContext) -> None:
        super().__init__(context, tr("Memory: how far back does it look?"))
        self.curves: list[MemoryCurve] = []
        """The newest curves."""

    def compose_page(self) -> ComposeResult:
        """Yield the model names above the picture."""
        none = tr("empty: the model that generates; Enter measures")
        models = SafeInput(placeholder=none, id="memory-models")
        models.border_title = tr("Models: names, runs or files, with commas between")
        yield from (models, self.picture)

    def on_mount(self) -> None:
        """Measure the current model, and redraw every second for the live run."""
        self.set_interval(1.0, self.picture.draw)  # the run may have recorded more
        self._measure()

    def on_input_submitted(self) -> None:
        """Measure the named models."""
        self._measure()

    def _measure(self) -> None:
        names = [name.strip() for name in self.models.value.split(",") if name.strip()]
        self.curves = []
        self.picture.draw()
        self.show_note(tr("Reading the model and its text ..."))

        def work(task: BackgroundTask) -> Iterator[tuple[list[MemoryCurve], str]]:
            loaded = self._loaded(names, task)
            name, text, reason = self._text(loaded[0], task)
            for count, targets in _PASSES:
                curves = []
                for one in loaded:
                    curves.append(
                        measure_model(
                            one.label.translated,
                            one.model,
                            text[-count:],
                            targets=targets,
                            on_progress=lambda _: task.check(),
                        )
                    )
                    read = min(count, len(text))
                    note = tr("In the last {count:,} characters of {text}.", count=read, text=name)
                    yield curves[:], f"{note} {reason}".rstrip()

        self.compute(work, self._show_result)

    def _loaded(self, names: list[str], task: BackgroundTask) -> list[LoadedModel]:
        """The named models, or the current model if none is named."""
        if not names:
            return [self.load(task)]
        folder = self.context.session.runs_folder
        paths = {name: find_model(name, folder) for name in dict.fromkeys(names)}
        return [
            LoadedModel(
                load_model(path), ModelLabel(safe_line(name)), file=path, runs_folder=folder
            )
            for name, path in paths.items()
        ]

    def _text(self, loaded: LoadedModel, task: BackgroundTask) -> tuple[str, str, str]:
        """A name and a text: the end of the model's corpus, or why the model generates one."""
        try:
            corpus = TrainingTexts(
                loaded.model, loaded.file, loaded.runs_folder, check_cancelled=task.check
            ).read()
        except CorpusError as error:
            reason = str(error)
        else:
            length = len(corpus.numbered)
            return corpus.name, corpus.numbered.decode(max(length - CHARACTERS, 0), length), ""
        stream = CharacterStream(loaded.model, SamplingConfig(rng_seed=0))
        stream.prime("")
        generated = ""
        for _ in range(_WRITTEN):
            task.check()
            generated += stream.next().character
        return tr("a text that it generated"), generated, reason

    def _show_result(self, found: tuple[list[MemoryCurve], str]) -> None:
        self.curves, note = found
        self.show_note(note)
        self.picture.draw()

    def rows(self, width: int, height: int) -> list[str | Content]:
        """The curves, and below them the records of the live run."""
        view = self.context.session.view
        newest = view.memories[-1] if view is not None and view.memories else None
        live = [] if view is None or newest is None else run_rows(view.run.name, newest, width)
        if not self.curves:
            return [tr("Measuring ..."), *live]
        return [colored(row, SIGNS) for row in memory_rows(self.curves, width, height, live)]


_LIMITS: Final = (0.1, 0.3, 1.0, 3.0, 10.0, 100.0)
_RADII: Final = (0.5, 0.9, 1.1, 1.4, 1.7, 2.0, 3.0)


class ClippingPage(Page):
    """Trains both runs again whenever a setting changes."""

    OWNER = "clipping"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(OWNER)]

    def __init__(self, context: PageContext) -> None:
        """Start with settings that make the effect of clipping visible."""
        title = tr("Clipping: a plain RNN, with and without a limit")
        super().__init__(context, title)
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
                "Spectral radius {radius:g}, limit {limit:g}, learning rate {rate:g}, "
                "RNG seed {seed}.",
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
