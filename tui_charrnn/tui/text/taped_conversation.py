"""The text and the seed box, which gives its place to the keys of the tape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Vertical
from textual.getters import query_one

from tui_charrnn.tui.messages import NoteWritten
from tui_charrnn.tui.text.kept_speech import TapeWanted
from tui_charrnn.tui.text.seed_box import SeedBox
from tui_charrnn.tui.text.spoken_text import SpokenText

if TYPE_CHECKING:
    from textual.widget import Widget

    from tui_charrnn.tui.tape.panel import TapePanel


class TapedConversation(Vertical):
    """Lets one go back over the text."""

    DEFAULT_CSS = """
    TapedConversation.-tape {
        & SeedBox { display: none; }
        & TapePanel { display: block; }
    }
    """

    spoken = query_one(SpokenText)
    seed = query_one(SeedBox)
    _tape: TapePanel | None = None

    def on_tape_wanted(self, event: TapeWanted) -> None:
        """Let the keys go back over the text."""
        event.stop()
        self.open_tape()

    def on_tape_cursor_picked(self, event: SpokenText.Picked) -> None:
        """Put the cursor of the tape where the mouse points."""
        event.stop()
        if self._tape is not None:
            self.spoken.point(event.position)
            self._tape.focus()

    @property
    def home(self) -> Widget:
        """What has the focus when the text is come back to."""
        return self._tape if self._tape is not None and self.has_class("-tape") else self.seed

    def open_tape(self) -> None:
        """Put a cursor at the end of the text, in the place of the seed box its keys."""
        if self._tape is None:
            # deferred: needed by those who go back only
            from tui_charrnn.tui.tape.panel import TapePanel  # noqa: PLC0415 - as said

            self._tape = TapePanel(self.spoken)
            self.mount(self._tape, before=self.seed)
        self.spoken.drop_cursor()
        self.add_class("-tape")
        self._tape.focus()
        self.spoken.point(self.spoken.shown)
        self._tape.tell_keys()

    def close_tape(self) -> None:
        """Take the cursor away, if there is one; the text stays as it is."""
        if not self.has_class("-tape"):
            return
        self.remove_class("-tape")
        self.spoken.point(None)
        self.spoken.follows_end = self.spoken.streaming or self.spoken.follows_end
        self.tell("")

    def tell(self, sentence: str) -> None:
        """Have something said about the text."""
        self.post_message(NoteWritten(sentence))
