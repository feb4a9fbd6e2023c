"""The characters a model knows, and their numbers."""

from collections.abc import Sequence
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import CorpusError, DataError

Int32 = npt.NDArray[np.int32]

_UNKNOWN: Final = -1


class Vocabulary:
    """Distinct characters in the order of their index, 0 to V - 1.

    A character is one Unicode code point. Two vocabularies are equal if they number the same
    characters alike.
    """

    def __init__(self, characters: str) -> None:
        """Number the characters in their order.

        Raises:
            DataError: If there are none, one occurs twice, or one is half of a surrogate pair.
        """
        if not characters:
            raise DataError("A vocabulary needs at least one character. Received: none.")
        codes = code_points(characters)
        _refuse_repeats_and_surrogates(codes)
        self.characters: Final = characters
        self._codes: Final = codes
        self._index_of: Final = np.full(int(codes.max()) + 1, _UNKNOWN, dtype=np.int32)
        self._index_of[codes] = np.arange(len(codes), dtype=np.int32)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The characters of a text, sorted by code point.

        Raises:
            DataError: If the text is empty.
        """
        return cls("".join(sorted(set(text))))

    def encode(self, text: str) -> Int32:
        """Turn N characters into their indices.

        Returns:
            Shape (N,), int32.

        Raises:
            CorpusError: If the vocabulary lacks a character; the first is named.
        """
        indices = self._indices_or_unknown(text)
        lacking = indices == _UNKNOWN
        if lacking.any():
            position = int(lacking.argmax())
            character = text[position]
            raise CorpusError(
                f"The vocabulary lacks {character!r} (U+{ord(character):04X}), which stands at "
                f"position {position:,} of the text. Remove it, or train on a text that holds it."
            )
        return indices

    def decode(self, indices: Sequence[int] | npt.NDArray[np.integer]) -> str:
        """Turn N indices into characters.

        Args:
            indices: Shape (N,), each at least 0 and below V.

        Raises:
            ValueError: If an index is out of bounds.
        """
        numbers = np.asarray(indices, dtype=np.int64)
        wrong = (numbers < 0) | (numbers >= len(self))
        if wrong.any():
            raise ValueError(
                f"An index must be at least 0 and below {len(self)}. "
                f"Received: index={numbers[wrong][0]}"
            )
        return self._codes[numbers].tobytes().decode("utf-32-le")

    def unknown(self, text: str) -> list[tuple[int, str]]:
        """Positions and characters of what the vocabulary lacks, in order."""
        positions = np.flatnonzero(self._indices_or_unknown(text) == _UNKNOWN)
        return [(int(position), text[position]) for position in positions]

    def __contains__(self, character: object) -> bool:
        return (
            isinstance(character, str)
            and len(character) == 1
            and ord(character) < len(self._index_of)
            and bool(self._index_of[ord(character)] != _UNKNOWN)
        )

    def __len__(self) -> int:
        return len(self.characters)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.characters == other.characters

    def __hash__(self) -> int:
        return hash(self.characters)

    def __repr__(self) -> str:
        return f"Vocabulary({self.characters!r})"

    def _indices_or_unknown(self, text: str) -> Int32:
        codes = code_points(text)
        if codes.size and int(codes.max()) < len(self._index_of):
            return self._index_of[codes]
        is_in_table = codes < len(self._index_of)
        indices = np.full(codes.shape, _UNKNOWN, dtype=np.int32)
        indices[is_in_table] = self._index_of[codes[is_in_table]]
        return indices


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """The numbers of a text's characters in Unicode, shape (N,)."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def _refuse_repeats_and_surrogates(codes: npt.NDArray[np.uint32]) -> None:
    values, counts = np.unique(codes, return_counts=True)
    if counts.max() > 1:
        code = int(values[counts.argmax()])
        raise DataError(
            "The characters of a vocabulary must be distinct. "
            f"Received: {chr(code)!r} (U+{code:04X}) more than once."
        )
    surrogates = values[(values >= 0xD800) & (values <= 0xDFFF)]
    if surrogates.size:
        raise DataError(
            f"U+{int(surrogates[0]):04X} is half of a surrogate pair and no character; "
            "a vocabulary cannot hold it."
        )
