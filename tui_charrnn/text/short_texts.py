"""Short texts (records): independent texts in one corpus, each ended by an end sign.

A text of records is one text: an end sign, then every record followed by an end sign. A network
that resets its state before it reads an end sign learns nothing across records, and predicts after
the sign how a record begins.

Notation: N characters, R records.
"""

import re
from array import array
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import CorpusError

END: Final = "\N{INFORMATION SEPARATOR TWO}"
"""The end sign, ASCII's record separator; one in the text itself also ends a record."""
_BORDERS: Final = {
    "line": re.compile(rf"(?<!\s)\s*[\n\r{END}]"),
    "blank-line": re.compile(rf"(?<!\s)(?:\s*{END}(?:\s*\n)?|[^\S\n]*\n\s*\n)"),
    "file": re.compile(rf"(?<!\s)\s*{END}(?:\s*\n)?"),
}
"""What separates two records; the patterns rely on the end sign being white space. Each begins
where white space begins: matching from every space of a long run takes quadratic time."""
_BLANK_LINES: Final = _BORDERS["line"]
_GATHERED: Final = 1 << 20  # characters moved at a time

Int64 = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.unsignedinteger]


class RecordCutter:
    """Inserts end signs into a text, piece by piece, after each record (line, blank-line or file).

    White space at the end of a record, blank lines before it and empty records are removed. Without
    records (none), only a missing newline between files is inserted.
    """

    def __init__(self, records: str) -> None:
        self._border = _BORDERS.get(records)
        self._held = ""  # white space whose meaning depends on what follows
        self._is_empty = True  # whether the current record is still empty
        self._last = ""
        self.start: Final = "" if self._border is None else END
        """Text to insert before the first file."""

    def separate(self) -> str:
        """Return the text to insert before the next file."""
        if self._border is not None:
            return self.end()
        is_needed = self._last not in {"", "\n", "\r"}
        self._last = ""
        return "\n" if is_needed else ""

    def cut(self, text: str) -> str:
        """Return the next piece of a file with end signs."""
        if self._border is None:
            self._last = text[-1:] or self._last
            return text
        held = self._held + text
        body = held.rstrip()
        if not body:
            self._held = held
            return ""
        self._held = held[len(body) :]
        if self._is_empty:
            body = _BLANK_LINES.sub("", body, count=1) if _BLANK_LINES.match(body) else body
        self._is_empty = False
        return self._border.sub(END, body)

    def end(self) -> str:
        """End a file: return an end sign, unless the last record has one."""
        is_needed = not self._is_empty
        self._held, self._is_empty = "", True
        return END if is_needed else ""


def record_order(records: int) -> Int64:
    """A fixed random order of R records, of which the last are held out.

    Lists are often sorted, so that their end differs from the rest.
    """
    drawn = np.random.SeedSequence(0).generate_state(records, np.uint64)
    return np.argsort(drawn, kind="stable")


def shuffle_records(numbers: Numbers, ends: Int64) -> Numbers:
    """Reorder a text of records, shape (N,), by `record_order`.

    `ends` are the positions of its end signs, shape (R + 1,), the first at 0.
    """
    order = record_order(len(ends) - 1)
    shuffled = np.empty_like(numbers)
    shuffled[0] = numbers[0]
    lengths = np.diff(ends)[order]
    places = np.concatenate([[0], lengths.cumsum()]) + 1
    first = 0
    while first < len(order):
        last = max(first + 1, int(np.searchsorted(places, places[first] + _GATHERED)))
        own = lengths[first:last]
        moves = np.repeat(ends[order[first:last]] + 1 - places[first : first + len(own)], own)
        to = np.arange(places[first], places[first] + own.sum())
        shuffled[to] = numbers[moves + to]
        first = last
    return shuffled


class RecordSplit(NamedTuple):
    """How records are split, in the order of `record_order`."""

    characters: int
    """Training characters, up to and including the end sign of the last training record."""
    trained: int
    """Number of training records."""
    held_out: int
    """Number of held-out records."""


def split_records(ends: Int64, validation_fraction: float) -> RecordSplit:
    """Hold out a share of the characters, in whole records, at least one on either side.

    `ends` are the positions of the end signs, shape (R + 1,), from 0 to N - 1.

    Raises:
        CorpusError: If there are fewer than two records.
    """
    count = len(ends) - 1
    if count < 2:
        raise CorpusError(
            "At least 2 records are needed, one to train on and one to hold out. Received: "
            "{count}. Check how the text is split into records (--records).",
            count=count,
        )
    places = np.diff(ends)[record_order(count)].cumsum()  # of the end signs, shuffled
    wanted = int(np.searchsorted(places, (ends[-1] + 1) * (1 - validation_fraction)))
    records = min(max(wanted, 1), count - 1)
    return RecordSplit(int(places[records - 1]) + 1, records, count - records)


def records_of(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the records of a text given in pieces, with end signs."""
    partial = ""
    for piece in pieces:
        *whole, partial = (partial + piece).split(END)
        yield from filter(None, whole)


def repeated_records(pieces: Iterable[str]) -> int:
    """Count the records that repeat an earlier one, in a text given in pieces."""
    hashes = array("q", map(hash, records_of(pieces)))
    return len(hashes) - len(np.unique(np.frombuffer(hashes, np.int64)))
