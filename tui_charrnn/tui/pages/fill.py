"""A text with gaps as a question: what stands there, from the left side and from both sides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual.getters import query_one

from tui_charrnn.generation.both_sides import BothFilled, BothSides
from tui_charrnn.generation.filling import GAPS, Filled, Filler, split_gaps
from tui_charrnn.generation.sources import find_model
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui.dialogs import SafeInput
from tui_charrnn.tui.keys.bindings import bindings_of
from tui_charrnn.tui.pages.page import Page, Picture
from tui_charrnn.viewing.filling import candidate_rows, format_both, format_filled

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tui_charrnn.tui.background import BackgroundTask
    from tui_charrnn.tui.pages.context import PageContext

EXAMPLE = "My lo__, I am here"


class FillPage(Page):
    """Lists candidates while the text is typed."""

    AUTO_FOCUS = "#fill-text"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("fill")]

    text = query_one("#fill-text", SafeInput)
    second = query_one("#fill-both", SafeInput)
    picture = query_one(Picture)

    def __init__(self, context: PageContext) -> None:
        """Ask what the seed box asks, or an example.

        Args:
            context: Loads the model.
        """
        super().__init__("Both directions: what stands in the gap?", "fill")
        self._load = context.load
        self._runs = context.session.runs_folder
        seed = context.seed_text
        self._first = seed if any(sign in seed for sign in GAPS) else EXAMPLE
        self._filler: Filler | None = None
        self._readers: dict[str, BothSides] = {}

    def compose_page(self) -> ComposeResult:
        """The text, the candidates."""
        text = SafeInput(self._first, id="fill-text", select_on_focus=False)
        text.border_title = f"A text with gaps, each written as one of {' '.join(GAPS)}"
        second = SafeInput(
            id="fill-both", placeholder="none: train one with --direction both", classes="aside"
        )
        second.border_title = "A model that reads both directions, to stand beside"
        yield from (text, second, Picture())

    def on_mount(self) -> None:
        """Answer the first question."""
        super().on_mount()
        for field in (self.text, self.second):
            field.cursor_blink = False
        self._fill()

    def on_input_changed(self) -> None:
        """Answer as one types."""
        self._fill()

    def on_input_submitted(self) -> None:
        """Begin another text."""
        self.text.value = ""
        self.text.focus()

    def _fill(self) -> None:
        typed, named = self.text.value, self.second.value.strip()

        def work(task: BackgroundTask) -> Iterator[tuple[Filled, BothFilled | None]]:
            parts = split_gaps(typed)
            self._filler = self._filler or self._open(task)
            filled = self._filler.fill(parts)
            yield filled, None
            if named and named not in self._readers:
                self._readers[named] = BothSides(load_model(find_model(named, self._runs)))
            if named in self._readers:
                yield filled, self._readers[named].fill(parts)

        self.compute(work, lambda found: self._show(*found))

    def _open(self, task: BackgroundTask) -> Filler:
        """The model that generates; where that reads both directions, the first bundled one."""
        model = self._load(task.gives_up).model
        if model.config.reads_both:
            self._readers[""] = BothSides(model)
            model = load_model(find_model(None, self._runs))
        return Filler(model)

    def _show(self, filled: Filled, both: BothFilled | None) -> None:
        best = f"▸ {safe_line(filled.text(filled.candidates[0].fill))}"
        self.picture.show(
            lambda width, height: [
                best,
                "",
                *candidate_rows(filled, width, max(height - 3, 1), both),
            ]
        )
        strange = f" {filled.unknown} characters are not known." if filled.unknown else ""
        drawn = f" {format_both(both)}" if both is not None else ""
        self.tell(f"{format_filled(filled)}{drawn}{strange}")
