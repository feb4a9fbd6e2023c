"""Text whose characters are colored by what the model expected of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from textual.message import Message
from textual.reactive import var

from tui_charrnn.tui.widgets.tape_cursor import TapeCursor
from tui_charrnn.tui.xray_numbers import key_of

if TYPE_CHECKING:
    from textual.timer import Timer

    from tui_charrnn.lens.prediction import Prediction
    from tui_charrnn.tui.renderables.row_strip import Overlay
    from tui_charrnn.tui.speaker import Speech
    from tui_charrnn.tui.xray_numbers import Expected
    from tui_charrnn.tui.xray_reading import Passage, XrayReading
    from tui_charrnn.viewing.xray import Measure

LOOKS: Final = (
    ("$note-text", "none"),
    ("$generated-text", "underline"),
    ("$success", "bold"),
    ("$warning", "bold underline"),
    ("$error", "bold reverse"),
)
"""Color and style of each level: without colors, the style alone tells them apart."""
RUNNING: Final = 100
"""Characters over which the running mean of the surprise is taken."""
_LOOK: Final = 1 / 20  # seconds between two looks at what is in view
_FAR_BACK: Final = 1000
"""Characters among which the newest that is known is looked for."""


@dataclass(frozen=True, slots=True)
class XrayPlace:
    """A character and what is known of it."""

    position: int
    index: int
    """Its number in the vocabulary."""
    prediction: Prediction
    running: float
    """Mean surprise of the last characters up to this one, bits."""
    count: int
    """How many those are, `RUNNING` at most."""


class XrayRead(Message):
    """Something became known."""

    def __init__(self, passage: Passage) -> None:
        self.passage = passage
        super().__init__()


class XrayText(TapeCursor):
    """Colors the continuation in sight by a measure, as far as it is known what was expected.

    Without a measure nothing is read and nothing is looked up.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"xray--{level}" for level in range(len(LOOKS))}
    DEFAULT_CSS = "\n".join(
        f"XrayText > .xray--{level} {{ color: {color}; text-style: {style}; }}"
        for level, (color, style) in enumerate(LOOKS)
    )

    measure: var[Measure | None] = var(None, init=False)
    """What the text is colored by; None is off."""
    seen: var[XrayPlace | None] = var(None, init=False)
    """The character at the cursor, or else the newest that is known."""

    _reading: XrayReading | None = None
    _read_speech: Speech | None = None
    """Whose tape is read."""
    _looks: Timer | None = None
    _looked_at: tuple[Passage, ...] = ()

    def on_unmount(self) -> None:
        """Let the thread end."""
        self._stop_reading()

    def watch_measure(self) -> None:
        """Read what is in view, or no more."""
        if self._looks is None:
            self._looks = self.set_interval(_LOOK, self._look_over, pause=True)
        if self.measure is None:
            self._looks.pause()
            self._stop_reading()
        else:
            self._looks.resume()
            self._look_over()
        self._strips.clear()
        self.refresh()

    def on_xray_read(self, event: XrayRead) -> None:
        """Color what has become known."""
        event.stop()
        branch, start, stop = event.passage
        if branch != self.branch or self.measure is None:
            return
        self._show_seen()
        first, last = self.place_at(start), self.place_at(min(stop, self.shown))
        if last is None:
            return
        top = self._wrapped.first if first is None else first[0]
        for row in range(top, last[0] + 1):
            self._strips.discard(row)
        self.refresh_lines(top - self._wrapped.first, last[0] + 1 - top)

    def expected(self, position: int) -> Expected | None:
        """The numbers of a character in sight; None as long as they are not known."""
        if self._reading is None or self.tape_tree is None:
            return None
        return self._reading.numbers.expected(key_of(self.tape_tree, self.branch, position))

    def _look_over(self) -> None:
        """Have read what is in view, once that has changed."""
        # deferred: needed by those who use the x-ray only
        from tui_charrnn.tui.xray_reading import XrayReading  # noqa: PLC0415 - as said

        if self.speech is not self._read_speech or self._reading is None:
            self._stop_reading()
            if self.speech is None:
                return
            self._reading = XrayReading(self.speech, self._announce)
            self._read_speech = self.speech
        wanted = self._in_view()
        if wanted != self._looked_at or self._reading.has_heard:
            self._looked_at = wanted
            self._reading.want(wanted)
        self._show_seen()

    def _announce(self, passage: Passage) -> None:
        self.post_message(XrayRead(passage))

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.close()
        self._reading, self._read_speech, self._looked_at, self.seen = None, None, (), None

    def _in_view(self) -> tuple[Passage, ...]:
        """What is to be known: the character that is explained, and all that are in view."""
        from tui_charrnn.tui.xray_reading import Passage  # noqa: PLC0415 - as in `_look_over`

        if self.tape_tree is None or not self.shown:
            return ()
        explained = self._explained()
        top = self._wrapped.first + self.scroll_offset.y
        end = top + self.scrollable_content_region.height
        start = self.position_at((top, 0))
        stop = self.shown if end >= self._wrapped.end else self.position_at((end, 0))
        return (
            Passage(self.branch, explained, explained + 1),
            Passage(self.branch, start, stop),
            Passage(self.branch, max(explained - RUNNING + 1, 0), explained + 1),
        )

    def _explained(self) -> int:
        """The position of the character at the cursor, or of the newest."""
        at = self.shown if self.at is None else self.at[1]
        return max(min(at, self.shown - 1), 0)

    def _show_seen(self) -> None:
        self.seen = self._known_place()

    def _known_place(self) -> XrayPlace | None:
        tree, reading, position = self.tape_tree, self._reading, self._explained()
        if tree is None or reading is None or not self.shown:
            return None
        last = max(position - _FAR_BACK, 0) if self.at is None and self.streaming else position
        while self.expected(position) is None and position > last:
            position -= 1  # the newest is not known yet
        surprises = []
        for before in range(position, max(position - RUNNING, -1), -1):
            known = self.expected(before)
            if known is None:
                break
            surprises.append(known.surprise)
        prediction = reading.numbers.prediction(key_of(tree, self.branch, position))
        if prediction is None or not surprises:
            return None
        (index,) = tree.indices(self.branch, position, position + 1)
        running = sum(surprises) / len(surprises)
        return XrayPlace(position, index, prediction, running, len(surprises))

    def _overlays(self, number: int) -> list[Overlay]:
        """What lies over the text of a row: the levels, below all else."""
        if self.measure is None or self._reading is None:
            return super()._overlays(number)
        levels: list[Overlay] = []
        ground = self.get_component_rich_style("generated-text--generated")
        length = len(self._wrapped.shown(number).text)
        for position, start, end in self.positions_in_row(number):
            expected = self.expected(position)
            if expected is not None and end > start:
                name = f"xray--{self.measure.level(expected)}"
                look = self.get_component_rich_style(name, partial=True)
                # a line feed has no text whose ground it could lie on
                levels.append((start, end, look if start < length else ground + look))
        return levels + super()._overlays(number)
