"""The text layer that colors each character by the model's prediction or activations."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from textual.timer import Timer

from tui_charrnn.lens.reading import Prediction
from tui_charrnn.tui.background import Signal
from tui_charrnn.tui.text.streamed_text import look_class
from tui_charrnn.tui.text.tape_text import TapeText
from tui_charrnn.tui.text.text_view import Overlay, TextLayer
from tui_charrnn.tui.xray.colorings import Coloring, Levels, UnitColoring
from tui_charrnn.tui.xray.reader import LayerSnapshot, TapeSpan, XrayReading

_POLL_INTERVAL: Final = 1 / 20  # seconds between two polls of the view
RUNNING: Final = 100
"""Characters of the running mean of the surprise."""
_MOST_AROUND: Final = 4000
"""Most characters before and after the view that are read ahead."""
MOST_COUNTED: Final = 20_000
"""Most characters, the last ones, that are read for the reliability diagram."""
_SEARCHED_BACK: Final = 1000
"""Last characters among which the newest known one is searched."""
Legend = tuple[str, tuple[str, ...]]
"""Name of the coloring, and a label for each level."""


@dataclass(frozen=True, slots=True)
class XrayPlace:
    """A character and its prediction."""

    branch: int
    position: int
    index: int
    """Its vocabulary index."""
    prediction: Prediction
    running: float
    """Mean surprise of the last `count` characters up to this one, bits."""
    count: int
    """Number of characters in the mean, at most `RUNNING`."""
    forbidden: frozenset[int] = frozenset()
    """Vocabulary indices of the characters that sampling rules exclude."""


class XrayColors(TextLayer):
    """Colors the known characters of the displayed branch.

    It provides details of one character: the one at the cursor, else the newest. Without a coloring
    it reads nothing.
    """

    def __init__(self, text: TapeText) -> None:
        self.text = text
        self.changed = Signal()
        """Sent when one of the following attributes has changed."""
        self.seen: XrayPlace | None = None
        """The character at the cursor, else the newest known one."""
        self.snapshot: LayerSnapshot | None = None
        """States and gates of that character, or of one shortly before it."""
        self.legend: Legend | None = None
        """The meaning of the levels; None until it is known."""
        self.levels: Levels | None = None
        """The levels of the current text; None before it has started."""
        self.shows: frozenset[str] = frozenset()
        """The kinds of pages that the panel shows; the page of hits needs the whole branch."""
        self.reading: XrayReading | None = None
        """Reads the current text; None without a text or a coloring."""
        self.coloring: Coloring | UnitColoring | None = None
        """The coloring of the text; None is off."""
        self._timer: Timer | None = None
        self._requested: object = None
        self._skips_poll = False
        """Whether the next poll is skipped."""
        text.begun.connect(self.stop_reading)

    def color(self, coloring: Coloring | UnitColoring | None) -> None:
        """Switch to a coloring; None is off."""
        if coloring == self.coloring:
            return
        self.coloring = coloring
        if self._timer is None:
            self._timer = self.text.view.set_interval(_POLL_INTERVAL, self._poll, pause=True)
        self._drop_levels()
        if coloring is None:
            self._timer.pause()
            self.stop_reading()
        else:
            self._timer.resume()
            self._poll()
        self.text.view.redraw()
        self.changed.send()

    @property
    def unit(self) -> str:
        """Name of the coloring neuron or gate; empty for none."""
        coloring, loaded = self.coloring, self.text.loaded
        if loaded is None or not isinstance(coloring, UnitColoring):
            return ""
        return str(coloring.probe(loaded.model.config))

    def stop_reading(self) -> None:
        """Stop reading, and clear all details."""
        self._drop_levels()
        if self.reading is not None:
            self.reading.close()
        self.reading, self.seen, self.snapshot = None, None, None
        self.changed.send()

    def overlays(self, row: int) -> Iterator[Overlay]:
        """Yield the level of each known character of a row."""
        levels, coloring, text = self.levels, self.coloring, self.text
        if coloring is None or levels is None:
            return
        length = len(text.view.wrapped.shown(row).text)
        for position, start, end in text.positions_in_row(row):
            level = levels.level(text.branch, position) if end > start else None
            if level is not None:
                if start >= length:  # a line feed has no text with a background
                    yield Overlay(start, end, "text-view--generated", is_opaque=True)
                yield Overlay(start, end, look_class(coloring.scale, level))

    def _take(self, passage: TapeSpan) -> None:
        """Color a passage that became known."""
        branch, start, stop = passage
        text, view = self.text, self.text.view
        if branch != text.branch or self.coloring is None:
            return
        self._explain(is_more="hits" in self.shows or start <= self._explained() < stop)
        first, last = text.place_at(start), text.place_at(min(stop, text.shown))
        if last is not None:
            view.redraw(range(view.wrapped.first if first is None else first[0], last[0] + 1))

    def _poll(self) -> None:
        """Request the passages in view when the view has changed.

        While the text streams, only every second poll does so, because drawing its results takes
        time from generation.
        """
        text, is_streaming = self.text, self.text.view.streaming
        self._skips_poll = is_streaming and not self._skips_poll
        if self._skips_poll:
            return
        if self.reading is None and text.tape is not None:
            announce = partial(text.view.call_later, self._take)
            self.reading = XrayReading(text.generation, text.tape, announce)
        reading, coloring = self.reading, self.coloring
        if reading is None or coloring is None:
            return
        if self.levels is None:
            self.levels = coloring.begin(reading)
            if self.levels is not None:
                text.view.redraw()  # known passages are not announced again
        if self.levels is None or not text.shown:
            return
        wanted, explained = self._wanted(), (text.branch, self._explained())
        place = explained if self.shows & {"state", "gates"} else None
        if (wanted, place) != self._requested or reading.has_tapped:
            self._requested = wanted, place
            reading.request(wanted, place)
            self.levels.request(*explained)
        self._explain()

    def _wanted(self) -> tuple[TapeSpan, ...]:
        """Return the passages to read, the most urgent first.

        These are the explained character, those of its mean, the view, and what is near it. While
        the text streams, nothing is read ahead.
        """
        text, view, explained = self.text, self.text.view, self._explained()
        end = view.top + view.scrollable_content_region.height
        stop = text.shown if end >= view.wrapped.end else text.position_at((end, 0))
        start = text.position_at((view.top, 0))
        spans = [
            (explained, explained + 1),
            (max(explained - RUNNING + 1, 0), explained + 1),
            (start, stop),
        ]
        if not view.streaming:
            around = min(stop - start, _MOST_AROUND)
            spans += [(stop, min(stop + around, text.shown)), (max(start - around, 0), start)]
            if "hits" in self.shows:
                spans.append((max(text.shown - MOST_COUNTED, 0), text.shown))
        return tuple(TapeSpan(text.branch, *span) for span in spans)

    def _explained(self) -> int:
        """Return the position of the character at the cursor, else of the newest."""
        at, last = self.text.cursor.at, self.text.shown
        return max(min(last if at is None else at[1], last - 1), 0)

    def _explain(self, *, is_more: bool = False) -> None:
        """Update details and legend; `is_more` sends `changed` even if they are equal."""
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
        """Add the forbidden characters, which never change for a place."""
        known, tape = self.seen, reading.tape
        if seen is None:
            return None
        if known is not None and (known.branch, known.position) == (seen.branch, seen.position):
            return replace(seen, forbidden=known.forbidden)
        return replace(seen, forbidden=tape.forbidden(seen.position, seen.branch))

    def _drop_levels(self) -> None:
        if self.levels is not None:
            self.levels.close()
        self.levels, self._requested, self.legend = None, None, None


def known_place(
    reading: XrayReading, branch: int, position: int, *, is_newest: bool
) -> XrayPlace | None:
    """Return the prediction of a character; with `is_newest`, of the last known one before it.

    None if nothing is known. The running mean leaves out the unknown symbol.
    """
    last = max(position - _SEARCHED_BACK, 0) if is_newest else position
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
