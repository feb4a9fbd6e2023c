"""Text of which one character is explained: that at the cursor, or else the newest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message
from textual.reactive import var

from tui_charrnn.tui.tape.cursor import TapeCursor
from tui_charrnn.tui.xray.numbers import key_of

if TYPE_CHECKING:
    from tui_charrnn.tui.xray.gaps import Passage
    from tui_charrnn.tui.xray.numbers import Expected
    from tui_charrnn.tui.xray.places import XrayPlace
    from tui_charrnn.tui.xray.reader import XrayReading
    from tui_charrnn.tui.xray.stream_tap import LayerSnapshot


class XrayRead(Message):
    """Something became known."""

    def __init__(self, passage: Passage) -> None:
        self.passage = passage
        super().__init__()


class ExplainedText(TapeCursor):
    """Has what went on in the model read, and tells what of it is known of one character.

    Imports are deferred: needed by those who use the x-ray only.
    """

    seen: var[XrayPlace | None] = var(None, init=False)
    """The character at the cursor, or else the newest that is known."""
    snapshot: var[LayerSnapshot | None] = var(None, init=False)
    """States and gates of that character, or of one that came shortly before it."""
    wants_snapshot: var[bool] = var(False, init=False)
    """Whether states and gates are shown."""
    additions: var[int] = var(0, init=False)
    """How often something became known of the character that is explained."""

    _reading: XrayReading | None = None

    def on_unmount(self) -> None:
        """Let the thread end."""
        self.stop_reading()

    def expected(self, position: int) -> Expected | None:
        """The numbers of a character in sight; None as long as they are not known."""
        if self._reading is None or self.tape_tree is None:
            return None
        return self._reading.numbers.expected(key_of(self.tape_tree, self.branch, position))

    def read_on(self) -> XrayReading | None:
        """What reads the speech in sight; another one for another speech."""
        from tui_charrnn.tui.xray.reader import XrayReading  # noqa: PLC0415 - as said

        generation, reading = self.generation, self._reading
        if reading is None or reading.generation is not generation:
            self.stop_reading()
            if generation is not None:
                self._reading = XrayReading(
                    generation, lambda one: self.post_message(XrayRead(one))
                )
        return self._reading

    def stop_reading(self) -> None:
        """Read no more, and explain nothing."""
        if self._reading is not None:
            self._reading.close()
        self._reading, self.seen, self.snapshot = None, None, None

    def view(self) -> tuple[int, int]:
        """The position of the first character in view, and the one after the last."""
        top = self._wrapped.first + self.scroll_offset.y
        end = top + self.scrollable_content_region.height
        stop = self.shown if end >= self._wrapped.end else self.position_at((end, 0))
        return self.position_at((top, 0)), stop

    def explained(self) -> int:
        """The position of the character at the cursor, or of the newest."""
        at = self.shown if self.at is None else self.at[1]
        return max(min(at, self.shown - 1), 0)

    def explain(self) -> None:
        """Tell what has become known to those who show it."""
        from tui_charrnn.tui.xray.places import known_place  # noqa: PLC0415 - as said

        tree, reading = self.tape_tree, self._reading
        if tree is None or reading is None or not self.shown:
            return
        is_newest = self.at is None and self.streaming
        self.seen = known_place(
            tree, reading.numbers, self.branch, self.explained(), is_newest=is_newest
        )
        self.snapshot = reading.snapshot
