"""The app as the tests of the tape open it: a text has ended, and the keys go back over it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot
from textual.widget import Widget

from tests.support.open_app import note_of, settings_of, shown_text, tiny_app
from tests.support.tiny_model import TINY_VOCABULARY, tiny_model
from tests.support.waiting import wait_until
from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.tape import Tape
from tui_charrnn.translation import tr
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.tape.panel import TapePanel
from tui_charrnn.tui.text.streamed_text import StreamedText
from tui_charrnn.tui.text.tape_text import TapeCursor, TapeText
from tui_charrnn.tui.text_pane import TextPane
from tui_charrnn.tui.xray.color_layer import XrayColors

LENGTH = 60
SETTINGS = SamplingConfig(rng_seed=5, temperature=0.9)


class TapeApp:
    """An app with a text of `LENGTH` characters, always the same ones."""

    def __init__(self, app: CharRNNApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def pane(self) -> TextPane:
        """The pane of the text."""
        return self.app.main.text_pane

    @property
    def view(self) -> StreamedText:
        """What shows the text."""
        return self.pane.view

    @property
    def text(self) -> TapeText:
        """The branch in sight."""
        return self.pane.text

    @property
    def cursor(self) -> TapeCursor:
        """The cursor on the tape."""
        return self.pane.cursor

    @property
    def colors(self) -> XrayColors:
        """The x-ray's."""
        return self.pane.xray.text_colors

    @property
    def panel(self) -> TapePanel:
        """What could come at the cursor."""
        return self.app.main.query_one(TapePanel)

    @property
    def tape(self) -> Tape:
        """The tape of the displayed text."""
        assert self.text.tape is not None
        return self.text.tape

    @property
    def at(self) -> tuple[int, int]:
        """Branch and position of the cursor."""
        assert self.cursor.at is not None
        return self.cursor.at

    def has_focus(self, widget: Widget) -> bool:
        """Whether keys go to a widget."""
        return self.app.focused is widget

    async def press(self, *keys: str) -> None:
        """Press keys and see what could come where they lead."""
        await self.pilot.press(*keys)
        await self.known()

    async def known(self) -> None:
        """Wait until it is known what could come at the cursor."""
        await wait_until(
            self.pilot,
            "what could come at the cursor",
            lambda: self.panel.known is not None and self.panel.known.at == self.cursor.at,
        )

    async def noted(self, words: str) -> None:
        """Wait for a sentence below the panes."""
        await wait_until(self.pilot, repr(words), lambda: words in note_of(self.app))

    async def prime_tape(self, seed_text: str) -> None:
        """Start another text, and wait until it has begun."""
        self.app.main.text_pane.generate(seed_text)

        def has_begun() -> bool:
            opening = self.text.opening
            return opening is not None and opening.seed_text == seed_text

        await wait_until(self.pilot, f"a text from {seed_text!r}", has_begun)

    async def rested(self, characters: int) -> None:
        """Wait until the text in sight has so many characters and no more come."""
        await wait_until(
            self.pilot,
            f"{characters} characters",
            lambda: self.text.shown == characters and not self.view.streaming,
        )


@asynccontextmanager
async def tape_app(
    folder: Path,
    *,
    size: tuple[int, int] = (80, 24),
    sampling: SamplingConfig = SETTINGS,
    is_ascii: bool = False,
    vocabulary: str = TINY_VOCABULARY,
) -> AsyncIterator[TapeApp]:
    """Open the app, wait for the text, and go back over it."""
    app = tiny_app(folder, vocabulary=vocabulary)
    app.is_ascii = is_ascii
    settings = settings_of(app)
    settings.speed, settings.length, settings.sampling = None, LENGTH, sampling
    async with app.run_test(size=size) as pilot:
        end = tr("{count:,} characters.", count=LENGTH)
        await wait_until(pilot, "the end", lambda: end in note_of(app))
        assert len(shown_text(app)) == LENGTH
        await pilot.press("f2")
        await wait_until(pilot, "the tape", lambda: bool(app.main.query(TapePanel)))
        opened = TapeApp(app, pilot)
        await opened.known()
        yield opened


def fresh_tape(sampling: SamplingConfig = SETTINGS) -> Tape:
    """The tape that the app records, without the app."""
    stream = CharacterStream(tiny_model(), sampling)
    return Tape(stream, stream.prime("").text)
