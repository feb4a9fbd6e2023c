"""The layer that colors each character by what went on in the model as it came."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from textual.timer import Timer

from tui_charrnn.lens.reading import Prediction
from tui_charrnn.tui.background import Signal
from tui_charrnn.tui.text.streamed_text import look_class
from tui_charrnn.tui.text.tape_text import TapeText
from tui_charrnn.tui.text.text_view import Overlay, TextLayer
from tui_charrnn.tui.xray.colorings import Coloring, Levels
from tui_charrnn.tui.xray.reader import (
    RUNNING,
    LayerSnapshot,
    Passage,
    XrayReading,
    wanted_passages,
)

_LOOK: Final = 1 / 20  # seconds between two looks at what is in view
_FAR_BACK: Final = 1000
"""Characters among which the newest that is known is looked for."""
Legend = tuple[str, tuple[str, ...]]
"""What is colored by, and what each level means."""


@dataclass(frozen=True, slots=True)
class XrayPlace:
    """A character and what is known of it."""

    branch: int
    position: int
    index: int
    """Its number in the vocabulary."""
    prediction: Prediction
    running: float
    """Mean surprise of the last characters up to this one, bits."""
    count: int
    """How many those are, `RUNNING` at most."""
    forbidden: frozenset[int] = frozenset()
    """The numbers of the characters that a rule took away."""


class XrayColors(TextLayer):
    """Colors the branch in sight, as far as it is known what each character has.

    Knows one character in detail: that at the cursor, or else the newest. Without a coloring
    nothing is read and nothing is looked up.
    """

    def __init__(self, text: TapeText) -> None:
        self.text = text
        self.changed = Signal()
        """Sent when one of the following has another value."""
        self.seen: XrayPlace | None = None
        """The character at the cursor, or else the newest that is known."""
        self.snapshot: LayerSnapshot | None = None
        """States and gates of that character, or of one that came shortly before it."""
        self.legend: Legend | None = None
        """What the levels mean; None until that is known."""
        self.levels: Levels | None = None
        """What the coloring knows of the text in sight, once it has begun."""
        self.wants_snapshot = False
        """Whether states and gates are shown."""
        self.reading: XrayReading | None = None
        """What reads the text in sight, once that has begun and is colored."""
        self._coloring: Coloring | None = None
        self._timer: Timer | None = None
        self._looked_at: object = None
        self._skips_look = False
        """Whether the next look is left out."""

    @property
    def coloring(self) -> Coloring | None:
        """What the text is colored by; None is off."""
        return self._coloring

    @coloring.setter
    def coloring(self, coloring: Coloring | None) -> None:
        if coloring == self._coloring:
            return
        self._coloring = coloring
        if self._timer is None:
            self._timer = self.text.view.set_interval(_LOOK, self._look_over, pause=True)
        self._drop_levels()
        if coloring is None:
            self._timer.pause()
            self.stop_reading()
        else:
            self._timer.resume()
            self._look_over()
        self.text.view.redraw()
        self.changed.send()

    def stop_reading(self) -> None:
        """Read no more, and explain nothing."""
        self._drop_levels()
        if self.reading is not None:
            self.reading.close()
        self.reading, self.seen, self.snapshot = None, None, None
        self.changed.send()

    def overlays(self, row: int) -> Iterator[Overlay]:
        """The levels of the characters of a row."""
        levels, coloring, text = self.levels, self._coloring, self.text
        if coloring is None or levels is None:
            return
        length = len(text.view.wrapped.shown(row).text)
        for position, start, end in text.positions_in_row(row):
            level = levels.level(text.branch, position) if end > start else None
            if level is not None:
                if start >= length:  # a line feed has no text whose ground it could lie on
                    yield Overlay(start, end, "text-view--generated", is_opaque=True)
                yield Overlay(start, end, look_class(coloring.scale, level))

    def _announce(self, passage: Passage) -> None:
        """Have a passage drawn; called in the thread that read it."""
        self.text.view.call_later(self._take, passage)

    def _take(self, passage: Passage) -> None:
        """Color what has become known."""
        branch, start, stop = passage
        text, view = self.text, self.text.view
        if branch != text.branch or self._coloring is None:
            return
        self._explain(is_more=start <= self._explained() < stop)
        first, last = text.place_at(start), text.place_at(min(stop, text.shown))
        if last is not None:
            view.redraw(range(view.wrapped.first if first is None else first[0], last[0] + 1))

    def _look_over(self) -> None:
        """Have read what is in view, once that has changed.

        While the text streams, every other look will do: what each finds is drawn at once, and so
        takes time from what streams.
        """
        text, is_streaming = self.text, self.text.view.streaming
        self._skips_look = is_streaming and not self._skips_look
        if self._skips_look:
            return
        reading, coloring = self._current_reading(), self._coloring
        if reading is None or coloring is None:
            return
        if self.levels is None:
            self.levels = coloring.begin(reading)
            if self.levels is not None:
                text.view.redraw()  # what is known already is announced no more
        if self.levels is None or not text.shown:
            return
        explained, view = self._explained(), self._in_view()
        place = (text.branch, explained) if self.wants_snapshot else None
        looked_at = text.branch, explained, view, place, is_streaming
        if looked_at != self._looked_at or reading.has_tapped:
            self._looked_at = looked_at
            wanted = wanted_passages(
                text.branch, explained, view, text.shown, is_streaming=is_streaming
            )
            reading.want(wanted, place)
            self.levels.want(wanted)
        self._explain()

    def _current_reading(self) -> XrayReading | None:
        """What reads the text in sight, once that has begun; another one for another text."""
        generation = self.text.generation
        if self.reading is not None and self.reading.generation is not generation:
            self.stop_reading()
        if self.reading is None and generation is not None and generation.tape is not None:
            self.reading = XrayReading(generation, generation.tape, self._announce)
        return self.reading

    def _in_view(self) -> tuple[int, int]:
        """The position of the first character in view, and the one after the last."""
        text, view = self.text, self.text.view
        end = view.top + view.scrollable_content_region.height
        stop = text.shown if end >= view.wrapped.end else text.position_at((end, 0))
        return text.position_at((view.top, 0)), stop

    def _explained(self) -> int:
        """The position of the character at the cursor, or of the newest."""
        at, last = self.text.cursor.at, self.text.shown
        return max(min(last if at is None else at[1], last - 1), 0)

    def _explain(self, *, is_more: bool = False) -> None:
        """Take over what became known; `is_more` if it is of the same character."""
        text, reading = self.text, self.reading
        if self.levels is None or reading is None or not text.shown:
            return
        before = self.seen, self.snapshot, self.legend
        seen = known_place(
            reading,
            text.branch,
            self._explained(),
            is_newest=text.cursor.at is None and text.view.streaming,
        )
        self.seen, self.snapshot = self._with_forbidden(seen, reading), reading.snapshot
        head, words = self.levels.legend()
        if self.legend != (head, tuple(words)):
            self.legend = head, tuple(words)
            if self.levels.moves:
                text.view.redraw()
        if is_more or (self.seen, self.snapshot, self.legend) != before:
            self.changed.send()

    def _with_forbidden(self, seen: XrayPlace | None, reading: XrayReading) -> XrayPlace | None:
        """The same with what the rules took away there, which never changes."""
        known, tape = self.seen, reading.tape
        if seen is None:
            return None
        if known is not None and (known.branch, known.position) == (seen.branch, seen.position):
            return replace(seen, forbidden=known.forbidden)
        return replace(seen, forbidden=tape.forbidden(seen.position, seen.branch))

    def _drop_levels(self) -> None:
        if self.levels is not None:
            self.levels.close()
        self.levels, self._looked_at, self.legend = None, None, None


def known_place(
    reading: XrayReading, branch: int, position: int, *, is_newest: bool
) -> XrayPlace | None:
    """What is known of a character, or shortly before it if it is the newest; None if nothing is.

    The unknown symbol, if the model has one, counts in no mean.
    """
    last = max(position - _FAR_BACK, 0) if is_newest else position
    while reading.expected(branch, position) is None and position > last:
        position -= 1
    prediction = reading.prediction(branch, position)
    if prediction is None:
        return None
    first, surprises = max(position - RUNNING + 1, 0), []
    indices = reading.tape.tree.indices(branch, first, position + 1)
    unknown = reading.tape.stream.model.vocabulary.unknown_index
    for before in range(position, first - 1, -1):
        known = reading.expected(branch, before)
        if known is None:
            break
        if indices[before - first] != unknown:
            surprises.append(known.surprise)
    running = sum(surprises) / max(len(surprises), 1)
    return XrayPlace(branch, position, indices[-1], prediction, running, len(surprises))
