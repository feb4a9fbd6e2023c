"""The pages on three tasks of a model: one to many, many to one, and filling gaps."""

import unicodedata
from collections.abc import Iterator, Mapping
from typing import ClassVar, Final, NamedTuple

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.getters import query_one

from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ConfigError
from tui_charrnn.folders import bundled_models
from tui_charrnn.generation.filling import GAPS, BothSides, Filled, Filler, split_gaps
from tui_charrnn.generation.model_lookup import bundled_for, find_model
from tui_charrnn.generation.side_by_side import SideBySide
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.text_scores import Origin, OriginReader
from tui_charrnn.invocation import command
from tui_charrnn.model.checkpoint import Model, load_model
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import Language, chosen_language, tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.dialogs import SafeInput
from tui_charrnn.tui.keys.keymap import bindings_of
from tui_charrnn.tui.pages.page import Page, PageContext
from tui_charrnn.tui.text.seed_input import unknown_in
from tui_charrnn.tui.text.text_view import TextView
from tui_charrnn.viewing.probability_rows import (
    bar_rows,
    candidate_rows,
    format_both,
    format_filled,
    path_rows,
)

_FASTEST: Final = 60
"""Highest speed in characters per second of each text."""
_MOST: Final = 4
"""Most texts: as many as fit side by side in 80 columns."""


class GrowPage(Page):
    """Shows texts that are sampled with the same random numbers at different temperatures."""

    AUTO_FOCUS = "#grow-seed"
    OWNER = "grow"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(OWNER)]
    DEFAULT_CSS = """
    GrowPage {
        & #grow-asked { height: 3; }
        & #grow-seed { width: 2fr; }
        & #grow-temperatures { width: 3fr; }
        & #grow-texts { height: 1fr; }
        & TextView {
            width: 1fr;
            height: 100%;
            padding: 0 1;
            border: round $foreground 25%;
            border-title-color: $text-muted;
        }
    }
    """

    seed = query_one("#grow-seed", SafeInput)
    temperatures = query_one("#grow-temperatures", SafeInput)
    texts = query_one("#grow-texts", Horizontal)

    def __init__(self, context: PageContext) -> None:
        """Start with the first letter of the seed box, or with T (하 in Korean)."""
        super().__init__(context, tr("One to many: one beginning, several texts"))
        seed = unicodedata.normalize("NFC", context.seed_text)
        self._first = seed[:1].strip() or ("하" if chosen_language() == "ko" else "T")

    def compose_page(self) -> ComposeResult:
        """Yield the seed, the temperatures and the texts."""
        with Horizontal(id="grow-asked"):
            seed = SafeInput(self._first, id="grow-seed")
            seed.border_title = tr("Beginning")
            yield seed
            temperatures = SafeInput("0.3, 0.8, 1.2", id="grow-temperatures")
            temperatures.border_title = tr("Temperatures, 1 to {most} with commas", most=_MOST)
            yield temperatures
        yield Horizontal(id="grow-texts")

    def on_mount(self) -> None:
        """Generate the texts."""
        self._grow()

    def on_input_submitted(self) -> None:
        """Generate the texts again."""
        self._grow()

    def _grow(self) -> None:
        try:
            temperatures = _parsed(self.temperatures.value)
        except ConfigError as error:
            self.show_note(str(error), is_problem=True)
            return
        settings, seed_text = self.context.session.settings, self.seed.value
        speed = min(settings.speed or _FASTEST, _FASTEST)
        self.texts.remove_children()
        views = [TextView() for _ in temperatures]
        for view, temperature in zip(views, temperatures, strict=True):
            view.can_focus = False
            view.border_title = Content(tr("temperature {value:g}", value=temperature))
        self.texts.mount(*views)

        def work(task: BackgroundTask) -> Iterator[tuple[str, ...]]:
            loaded = self.load(task)
            stream = CharacterStream(loaded.model, settings.sampling)
            known = stream.prime(seed_text).text
            batch = SideBySide(stream, len(temperatures), temperatures)
            yield (known,) * len(temperatures)
            for _ in range(1_000):  # characters of each text
                task.wait(1 / speed)
                yield tuple(each.character for each in batch.next())

        def show(pieces: tuple[str, ...]) -> None:
            for view, piece in zip(views, pieces, strict=True):
                view.append(piece, "generated")

        self.show_note(tr("The texts take the same random numbers; only the temperature differs."))
        self.compute(work, show)


def _parsed(text: str) -> list[float]:
    """Parse temperatures that are separated by commas or spaces.

    Raises:
        ConfigError: If a temperature is invalid, or there are none or more than `_MOST`.
    """
    found: list[float] = [
        SamplingConfig.parse("temperature", each) for each in text.replace(",", " ").split()
    ]
    if not 1 <= len(found) <= _MOST:
        sentence = tr(
            "There is room for 1 to {most} temperatures. Received: {count}.",
            most=_MOST,
            count=len(found),
        )
        raise ConfigError(sentence)
    return found


class WhichPage(Page):
    """Shows the probability of each model, and how each character changed it."""

    AUTO_FOCUS = "#which-text"
    OWNER = "which"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(OWNER)]

    text = query_one("#which-text", SafeInput)
    models = query_one("#which-models", SafeInput)

    def __init__(self, context: PageContext) -> None:
        title = tr("Many to one: which corpus does a text come from?")
        super().__init__(context, title)
        self._readers: dict[str, OriginReader] = {}
        self._origin: Origin | None = None

    def compose_page(self) -> ComposeResult:
        """Yield the inputs above the bars."""
        text = SafeInput(
            placeholder=tr("type: every character updates the ranking"), id="which-text"
        )
        text.border_title = tr("Text")
        models = SafeInput(", ".join(bundled_models()), id="which-models", classes="aside")
        models.border_title = tr("Models: names, runs or files, with commas between")
        yield from (text, models, self.picture)

    def on_mount(self) -> None:
        """Load the models."""
        self._read()

    def on_input_changed(self) -> None:
        """Score the changed text."""
        self._read()

    def on_input_submitted(self) -> None:
        """Select the text, as the seed box does: what is typed next replaces it."""
        self.text.focus()
        self.text.select_all()

    def _read(self) -> None:
        text, names = self.text.value, self.models.value

        def work(_: BackgroundTask) -> Iterator[Origin]:
            if names not in self._readers:
                self._readers = {names: self._open(names)}
            yield self._readers[names].read(text)

        self.compute(work, self._show_result)

    def _open(self, names: str) -> OriginReader:
        wanted = [name.strip() for name in names.split(",") if name.strip()]
        if len(set(wanted)) < 2:
            raise ConfigError("Name two models at least, with a comma between.")
        folder = self.context.session.runs_folder
        paths = {name: find_model(name, folder) for name in wanted}
        return OriginReader({name: load_model(path) for name, path in paths.items()})

    def rows(self, width: int, height: int) -> list[str | Content]:
        """The bars, and below them their values after each character."""
        if self._origin is None:
            return [tr("Loading the models ...")]
        bars, paths = bar_rows(self._origin, width), path_rows(self._origin, width)
        gap = [""] if height > len(bars) + len(paths) else []
        return [*bars, *gap, *paths]

    def _show_result(self, origin: Origin) -> None:
        self._origin = origin
        self.picture.draw()
        strange = [
            tr("{model} has never seen {count} of the characters.", model=name, count=count)
            for name, count in zip(origin.names, origin.unknown, strict=True)
            if count
        ]
        self.show_note(" ".join(strange))


EXAMPLES: Final[Mapping[Language, str]] = {
    "en": "The k__fe is in his hand",
    "ko": "그는 ▢▢를 들고 나를 바라보았다",
}
"""The first text, by language."""


def example_for(vocabulary: str) -> str:
    """Return the example that a model knows best; of equals, the one in the app's language."""
    known, own = frozenset(vocabulary), EXAMPLES[chosen_language()]
    return min(
        (own, *EXAMPLES.values()),
        key=lambda example: len(unknown_in("".join(split_gaps(example)), known)),
    )


class _FillResult(NamedTuple):
    """The candidates for the gaps."""

    filled: Filled
    suited: str | None
    """The bundled model that was used; None if it was the model of the app."""
    both: Mapping[str, float] | None = None
    """The result of a bidirectional model, if one is named."""


class FillPage(Page):
    """Lists candidates for the gaps while the user types."""

    AUTO_FOCUS = "#fill-text"
    OWNER = "fill"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(OWNER)]

    text = query_one("#fill-text", SafeInput)
    second = query_one("#fill-both", SafeInput)

    def __init__(self, context: PageContext) -> None:
        """Start with the text of the seed box if it has a gap, otherwise with an example.

        The example for a model that the user chose is known once that is loaded.
        """
        super().__init__(context, tr("Both directions: what is in the gap?"))
        seed, is_chosen = context.seed_text, context.session.is_model_chosen
        example = "" if is_chosen else EXAMPLES[chosen_language()]
        self._first = seed if any(sign in seed for sign in GAPS) else example
        self._fillers: dict[str | None, Filler] = {}
        """One per bundled model, by its name; None is the key of the app's model."""
        self._readers: dict[str, BothSides] = {}
        self._found: _FillResult | None = None

    def compose_page(self) -> ComposeResult:
        """Yield the inputs above the candidates."""
        text = SafeInput(self._first, id="fill-text", select_on_focus=False)
        signs = " ".join(GAPS)
        text.border_title = tr("A text with gaps, each written as one of {signs}", signs=signs)
        none = tr("none: train one with --direction both")
        second = SafeInput(id="fill-both", placeholder=none, classes="aside")
        second.border_title = tr("A bidirectional model to compare with")
        yield from (text, second, self.picture)

    def on_mount(self) -> None:
        """Fill the gaps of the first text."""
        if self._first:
            self._fill()
        else:
            self.compute(self._find_example, self._show_example)

    def on_input_changed(self) -> None:
        """Fill the gaps again as the text changes."""
        self._fill()

    def on_input_submitted(self) -> None:
        """Select the text, as the seed box does: what is typed next replaces it."""
        self.text.focus()
        self.text.select_all()

    def _fill(self) -> None:
        typed, named = self.text.value, self.second.value.strip()

        def work(task: BackgroundTask) -> Iterator[_FillResult]:
            parts = split_gaps(typed)
            suited = self._suited("".join(parts))
            if suited not in self._fillers:
                self._fillers[suited] = self._open(suited, task)
            filled = self._fillers[suited].fill(parts)
            yield _FillResult(filled, suited)
            if named and named not in self._readers:
                self._readers[named] = BothSides(self._load(named))
            if named in self._readers:
                yield _FillResult(filled, suited, self._readers[named].fill(parts))

        self.compute(work, self._show_result)

    def _find_example(self, task: BackgroundTask) -> Iterator[str]:
        yield example_for(self.load(task).model.vocabulary.shown)

    def _show_example(self, example: str) -> None:
        self.text.value = example

    def _load(self, name: str | None) -> Model:
        return load_model(find_model(name, self.context.session.runs_folder))

    def _suited(self, text: str) -> str | None:
        """The bundled model that fits the text better, unless the user chose a model."""
        suited = None if self.context.session.is_model_chosen else bundled_for(text)
        return None if suited == next(iter(bundled_models()), None) else suited

    def _open(self, suited: str | None, task: BackgroundTask) -> Filler:
        """A filler for the bundled model, or for the app's model unless that is bidirectional."""
        if suited is not None:
            return Filler(self._load(suited))
        model = self.load(task).model
        if model.config.reads_both:
            self._readers[""] = BothSides(model)
            model = self._load(None)
        return Filler(model)

    def rows(self, width: int, height: int) -> list[str]:
        """The text with the best candidate, and below it all candidates."""
        if self._found is None:
            return [tr("Loading the model ...")]
        filled, _, both = self._found
        best = f"▸ {safe_line(filled.text(filled.candidates[0].fill))}"
        return [best, "", *candidate_rows(filled, width, max(height - 3, 1), both)]

    def _show_result(self, found: _FillResult) -> None:
        self._found = found
        self.picture.draw()
        filled, suited, both = found
        notes = [format_filled(filled)]
        if suited:
            app = command("-m", suited)
            notes.append(
                tr("By {model}; {command} opens the app with it.", model=suited, command=app)
            )
        if both is not None:
            notes.append(format_both(filled))
        if filled.unknown:
            notes.append(tr("{count} characters are not known.", count=filled.unknown))
        self.show_note(" ".join(notes))
