"""The page "many to one": estimates from which corpus a typed text comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual.getters import query_one

from tui_charrnn.errors import ConfigError
from tui_charrnn.folders import bundled_models
from tui_charrnn.generation.model_lookup import find_model
from tui_charrnn.generation.text_scores import Origin, OriginReader
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.translation import tr
from tui_charrnn.tui.dialogs import SafeInput
from tui_charrnn.tui.keys.keymap import bindings_of
from tui_charrnn.tui.pages.page import Page
from tui_charrnn.viewing.probability_rows import bar_rows, path_rows

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.content import Content

    from tui_charrnn.tui.background import BackgroundTask
    from tui_charrnn.tui.pages.page import PageContext


class WhichPage(Page):
    """Shows the probability of each model, and how each character changed it."""

    AUTO_FOCUS = "#which-text"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("which")]

    text = query_one("#which-text", SafeInput)
    models = query_one("#which-models", SafeInput)

    def __init__(self, context: PageContext) -> None:
        """Prepare the page."""
        title = tr("Many to one: which corpus does a text come from?")
        super().__init__(context, "which", title)
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

    def rows(self, width: int, _height: int) -> list[str | Content]:
        """The bars, and below them their values after each character."""
        if self._origin is None:
            return [tr("Loading the models ...")]
        bars = bar_rows(self._origin, width)
        return [*bars, "", *path_rows(self._origin, width)]

    def _show_result(self, origin: Origin) -> None:
        self._origin = origin
        self.picture.draw()
        strange = [
            tr("{model} has never seen {count} of the characters.", model=name, count=count)
            for name, count in zip(origin.names, origin.unknown, strict=True)
            if count
        ]
        self.show_note(" ".join(strange))
