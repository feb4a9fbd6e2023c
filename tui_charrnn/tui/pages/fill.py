"""The page that fills gaps in a text, from the left context alone and from both directions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from textual.getters import query_one

from tui_charrnn.folders import bundled_models
from tui_charrnn.generation.both_sides import BothFilled, BothSides
from tui_charrnn.generation.filling import GAPS, Filled, Filler, split_gaps
from tui_charrnn.generation.model_lookup import bundled_for, find_model
from tui_charrnn.invocation import command
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import Language, chosen_language, tr
from tui_charrnn.tui.dialogs import SafeInput
from tui_charrnn.tui.keys.keymap import bindings_of
from tui_charrnn.tui.pages.page import Page
from tui_charrnn.viewing.probability_rows import candidate_rows, format_both, format_filled

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tui_charrnn.model.checkpoint import Model
    from tui_charrnn.tui.background import BackgroundTask
    from tui_charrnn.tui.pages.page import PageContext

EXAMPLES: Final[Mapping[Language, str]] = {
    "en": "The k__fe is in his hand",
    "ko": "푸른 하늘에 ▢▢이 떠있다",
}
"""The first text, by the language of the app."""


class _FillResult(NamedTuple):
    """The candidates for the gaps."""

    filled: Filled
    suited: str | None
    """The bundled model that was used; None if it was the model of the app."""
    both: BothFilled | None = None
    """The result of a bidirectional model, if one is named."""


class FillPage(Page):
    """Lists candidates for the gaps while the user types."""

    AUTO_FOCUS = "#fill-text"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("fill")]

    text = query_one("#fill-text", SafeInput)
    second = query_one("#fill-both", SafeInput)

    def __init__(self, context: PageContext) -> None:
        """Start with the text of the seed box if it has a gap, otherwise with an example."""
        super().__init__(context, "fill", tr("Both directions: what is in the gap?"))
        seed, example = context.seed_text, EXAMPLES[chosen_language()]
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
        self._fill()

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
        model = self.context.load(task.is_cancelled_after).model
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
            notes.append(format_both(both))
        if filled.unknown:
            notes.append(tr("{count} characters are not known.", count=filled.unknown))
        self.show_note(" ".join(notes))
