"""A text as numbers, in memory or mapped from a file, and what a vocabulary makes of them.

Notation: N characters of the text, K different ones, V characters of a vocabulary.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from tui_charrnn.hangul import continues_syllable
from tui_charrnn.text.number_store import Numbers
from tui_charrnn.text.vocabulary import Vocabulary, code_points, lacking_error

Int32: TypeAlias = npt.NDArray[np.int32]
Int64: TypeAlias = npt.NDArray[np.int64]

_DECODED: Final = 1 << 20
"""Characters that are decoded at a time."""


class IndexedText:
    """The indices of a text's characters in a vocabulary, looked up where they are asked for.

    It behaves as an array of shape (N,), int32, of which no more is in memory than is looked at.
    """

    def __init__(self, numbers: Numbers, index_of: Int32) -> None:
        """Keep what is needed to look indices up.

        Args:
            numbers: Of the characters, shape (N,).
            index_of: The index of each number, shape (K,).
        """
        self._numbers, self._index_of = numbers, index_of

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, place: slice) -> "IndexedText": ...
    @overload
    def __getitem__(self, place: npt.NDArray[np.integer]) -> Int32: ...
    def __getitem__(self, place: slice | npt.NDArray[np.integer]) -> "IndexedText | Int32":
        if isinstance(place, slice):
            return IndexedText(self._numbers[place], self._index_of)
        indices: Int32 = self._index_of[self._numbers[place]]
        return indices

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("The indices of a text are looked up, so they are always a copy.")
        indices = self._index_of[self._numbers]
        return indices if dtype is None else indices.astype(dtype, copy=False)


@dataclass(frozen=True, slots=True, eq=False)
class NumberedText:
    """A text of N characters, each by the number that it was given when it was first met."""

    numbers: Numbers
    """Shape (N,): a byte each for up to 256 different characters, else two or four."""
    characters: str
    """The K different characters, in the order of their number."""
    counts: Int64
    """How often each occurs, shape (K,)."""
    firsts: Int64
    """Where each stands first, from 0, shape (K,)."""
    sha256: str
    """Of the text as UTF-8, in hexadecimal digits."""

    def __len__(self) -> int:
        return len(self.numbers)

    def indices(self, vocabulary: Vocabulary) -> IndexedText:
        """What the characters are in a vocabulary.

        Raises:
            CorpusError: If the vocabulary lacks a character and has nothing that stands for it;
                the first is named.
        """
        lacking = vocabulary.unknown(self.characters)
        if lacking and vocabulary.unknown_symbol is None:
            # characters are numbered as they were met: the first is the first in the text
            number, character = lacking[0]
            raise lacking_error(character, int(self.firsts[number]))
        return IndexedText(self.numbers, vocabulary.encode(self.characters))

    def decode(self, start: int = 0, stop: int | None = None) -> str:
        """The characters from one place to another."""
        codes = code_points(self.characters)
        return codes[self.numbers[start:stop]].tobytes().decode("utf-32-le")

    def units_per_character(self, start: int) -> float:
        """How many characters of a text in jamo, from a place on, a syllable or sign has."""
        continues = np.array([continues_syllable(character) for character in self.characters])
        units = len(self) - start
        parts = sum(
            int(np.count_nonzero(continues[self.numbers[place : place + _DECODED]]))
            for place in range(start, len(self), _DECODED)
        )
        return units / max(units - parts, 1)

    def pieces(self) -> Iterator[str]:
        """The whole text, a megabyte at a time."""
        for start in range(0, len(self), _DECODED):
            yield self.decode(start, start + _DECODED)

    def occurrences(self) -> dict[str, int]:
        """How often each character occurs, in the order of their code points."""
        return dict(sorted(zip(self.characters, self.counts.tolist(), strict=True)))
