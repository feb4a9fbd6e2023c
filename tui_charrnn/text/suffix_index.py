"""An index of a corpus that finds any passage of it, however long, in a few microseconds."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from mmap import mmap
from typing import Any, Final, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import CorpusError
from tui_charrnn.text.progress import Progress
from tui_charrnn.text.sources import never_cancelled
from tui_charrnn.text.suffix_array import LONGEST, Codes, Int64, sort_suffixes
from tui_charrnn.text.vocabulary import code_points

_PIECE: Final = 1 << 20
"""Characters that are numbered at a time, for the sake of memory."""
_UNICODE: Final = 0x110000

Span: TypeAlias = tuple[int, int]
"""Suffixes that begin alike: the first in the order and the one after the last; equal if none."""


@dataclass(frozen=True)  # no slots: the line ends are kept once they were looked for
class SuffixIndex:
    """A corpus, and where its suffixes begin in their order.

    Characters are codes: their numbers in the alphabet, as bytes of equal width, the highest
    first. So bytes compare as characters do, and a passage is a slice.
    """

    alphabet: str
    """The characters of the corpus, sorted."""
    codes: bytes | mmap
    """Holds the codes of all characters, one after another."""
    suffixes: Sequence[int]
    """Where the suffixes begin, in their order: N of them."""
    codes_begin: int = 0
    """Where the first code stands in `codes`."""
    _code_of: dict[str, bytes] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        numbered = enumerate(self.alphabet)
        codes = {each: number.to_bytes(self.width, "big") for number, each in numbered}
        object.__setattr__(self, "_code_of", codes)

    @classmethod
    def of(
        cls,
        text: str,
        *,
        progress: Progress | None = None,
        check_cancelled: Callable[[], None] = never_cancelled,
    ) -> Self:
        """Build the index of a text.

        Args:
            text: N characters.
            progress: Told how many suffixes have found their place, of N.
            check_cancelled: Called now and then; it raises to give the building up.

        Raises:
            CorpusError: If the text is too long, or memory is too small.
        """
        if len(text) > LONGEST:
            raise CorpusError(
                f"A corpus of {len(text):,} characters is too long for an index of its passages, "
                f"which takes {LONGEST:,}. Name a part of it."
            )
        try:
            alphabet, codes = _numbered(text)
            suffixes = sort_suffixes(codes, progress=progress, check_cancelled=check_cancelled)
            ordered = codes.astype(codes.dtype.newbyteorder(">"), copy=False)
            return cls(alphabet, ordered.tobytes(), suffixes.data)
        except MemoryError as error:
            raise CorpusError(
                f"The index of {len(text):,} characters is too large for this machine's memory."
            ) from error

    @property
    def width(self) -> int:
        """Bytes of a code."""
        return code_width(len(self.alphabet))

    def __len__(self) -> int:
        """Characters of the corpus."""
        return len(self.suffixes)

    def code(self, character: str) -> bytes | None:
        """The code of a character, or None if the corpus has no such character."""
        return self._code_of.get(character)

    def find(self, passage: bytes) -> Span:
        """The suffixes that begin with a passage.

        Args:
            passage: The codes of its characters.
        """
        codes, begin, width, length = self.codes, self.codes_begin, self.width, len(passage)

        def beginning(place: int) -> bytes:
            start = begin + place * width
            return codes[start : start + length]

        low = bisect_left(self.suffixes, passage, key=beginning)
        if low == len(self.suffixes) or beginning(self.suffixes[low]) != passage:
            return low, low
        return low, bisect_right(self.suffixes, passage, low, key=beginning)

    def narrow(self, span: Span, depth: int, code: bytes) -> Span:
        """Those suffixes of a span that go on with a character.

        Args:
            span: Suffixes whose first `depth` characters are alike.
            depth: How many characters come before it.
            code: Of the character.
        """
        codes, width = self.codes, self.width
        begin = self.codes_begin + depth * width

        def following(place: int) -> bytes:
            start = begin + place * width
            return codes[start : start + width]

        low, high = span
        if high - low == 1:  # as it mostly is within a passage of any length
            return span if following(self.suffixes[low]) == code else (low, low)
        low = bisect_left(self.suffixes, code, low, high, key=following)
        return low, bisect_right(self.suffixes, code, low, high, key=following)

    def passage(self, offset: int, length: int) -> str:
        """Characters of the corpus.

        Args:
            offset: Of the first, from 0.
            length: How many.
        """
        begin = self.codes_begin + offset * self.width
        data = self.codes[begin : begin + length * self.width]
        numbers = np.frombuffer(data, dtype=f">u{self.width}")
        return "".join(self.alphabet[number] for number in numbers)

    def first_offset(self, offset: int, length: int) -> int:
        """Where a passage of the corpus occurs first in it.

        Args:
            offset: Of one of its occurrences, from 0.
            length: In characters.
        """
        begin = self.codes_begin + offset * self.width
        low, high = self.find(self.codes[begin : begin + length * self.width])
        return int(np.min(self.suffixes[low:high]))

    def line(self, offset: int) -> int:
        """The number of the line on which a character of the corpus stands, from 1."""
        return int(np.searchsorted(self._line_ends, offset)) + 1

    @cached_property
    def _line_ends(self) -> Int64:
        newline = self.alphabet.find("\n")
        data = np.frombuffer(self.codes, f">u{self.width}", len(self), self.codes_begin)
        return np.flatnonzero(data == newline) if newline >= 0 else np.empty(0, dtype=np.int64)


def code_width(characters: int) -> int:
    """Bytes that the codes of an alphabet take: 1, 2 or 4."""
    return 1 if characters <= 1 << 8 else 2 if characters <= 1 << 16 else 4


def _numbered(text: str) -> tuple[str, Codes]:
    """The characters of a text, sorted, and their numbers, shape (N,)."""
    is_there = np.zeros(_UNICODE, dtype=np.bool_)
    for begin in range(0, len(text), _PIECE):
        is_there[code_points(text[begin : begin + _PIECE])] = True
    alphabet = np.flatnonzero(is_there)
    table: npt.NDArray[Any] = np.zeros(_UNICODE, dtype=f"u{code_width(len(alphabet))}")
    table[alphabet] = np.arange(len(alphabet))
    codes = np.empty(len(text), dtype=table.dtype)
    for begin in range(0, len(text), _PIECE):
        piece = text[begin : begin + _PIECE]
        codes[begin : begin + len(piece)] = table[code_points(piece)]
    return "".join(map(chr, alphabet.tolist())), codes
