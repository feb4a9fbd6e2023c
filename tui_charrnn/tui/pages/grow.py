"""The page "one to many": one seed text continued side by side at several temperatures."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Final

from textual.containers import Horizontal
from textual.content import Content
from textual.getters import query_one

from tui_charrnn.errors import ConfigError
from tui_charrnn.generation.side_by_side import SideBySide
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.sampling_config import SamplingConfig
from tui_charrnn.translation import chosen_language, tr
from tui_charrnn.tui.dialogs import SafeInput
from tui_charrnn.tui.keys.keymap import bindings_of
from tui_charrnn.tui.pages.page import Page
from tui_charrnn.tui.text.text_view import TextView

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tui_charrnn.tui.background import BackgroundTask
    from tui_charrnn.tui.pages.page import PageContext

_FASTEST: Final = 60
"""Highest speed in characters per second of each text."""
_MOST: Final = 4
"""Most texts: as many as fit side by side in 80 columns."""


class GrowPage(Page):
    """Shows texts that are sampled with the same random numbers at different temperatures."""

    AUTO_FOCUS = "#grow-seed"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("grow")]
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
        super().__init__(context, "grow", tr("One to many: one beginning, several texts"))
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
            loaded = self.context.load(task.is_cancelled_after)
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
