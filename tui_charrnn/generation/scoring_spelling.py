"""A text as a model spells it: by the numbers of its vocabulary.

Notation: N characters of a text, M of them as the model spells them.
"""

import unicodedata
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tui_charrnn.generation.scoring_network import Indices
from tui_charrnn.text.vocabulary import code_points

_UNKNOWN: Final = -1


class Spelled(NamedTuple):
    """A text, spelled."""

    indices: Indices
    """Numbers in the vocabulary, shape (M,)."""
    owners: Indices
    """Which character of the text each belongs to, shape (M,)."""
    is_known: npt.NDArray[np.bool_]
    """Whether each character of the text can be spelled, shape (N,); one that cannot is left out,
    or read as the unknown symbol of a model that has one."""


class Speller:
    """Spells texts of any length, fast.

    A character that the model does not know, but all of whose parts it knows (Unicode NFD), is
    spelled by them, as in generation; an unknown one is left out.

    Args:
        characters: The model's vocabulary, in order.
        unknown_index: Index of the symbol by which an unknown character is read; None leaves it
            out.
    """

    def __init__(self, characters: str, unknown_index: int | None = None) -> None:
        self._characters = characters
        self._unknown_index = unknown_index
        codes = code_points(characters)
        self._index_of = np.full(int(codes.max()) + 1, _UNKNOWN, np.intp)
        self._index_of[codes] = np.arange(len(codes))

    @property
    def first(self) -> int:
        """The number of the character after which a text begins: a newline if there is one."""
        return max(self._characters.find("\n"), 0)

    def spell(self, text: str) -> Spelled:
        """Spell N characters in composed form (Unicode NFC)."""
        codes = code_points(text).astype(np.intp)
        indices = np.full(len(codes), _UNKNOWN, np.intp)
        is_in_table = codes < len(self._index_of)
        indices[is_in_table] = self._index_of[codes[is_in_table]]
        if self._unknown_index is not None:  # written out, it says as little as any unknown one
            indices[indices == self._unknown_index] = _UNKNOWN
        lengths = (indices != _UNKNOWN).astype(np.intp)
        parts = {
            int(code): spelling
            for code in np.unique(codes[indices == _UNKNOWN])
            if (spelling := self._parts(chr(code)))
        }
        for code, spelling in parts.items():
            lengths[codes == code] = len(spelling)
        is_known = lengths > 0
        if self._unknown_index is not None:
            indices[~is_known], lengths[~is_known] = self._unknown_index, 1
        owners = np.repeat(np.arange(len(codes)), lengths)
        symbols = indices[owners]
        places = np.arange(len(owners)) - (lengths.cumsum() - lengths)[owners]
        for code, spelling in parts.items():
            mine = codes[owners] == code
            symbols[mine] = np.array(spelling)[places[mine]]
        return Spelled(symbols, owners, is_known)

    def _parts(self, character: str) -> list[int]:
        """The numbers of a character's parts, if the model knows them all; else none."""
        parts = [self._characters.find(part) for part in unicodedata.normalize("NFD", character)]
        is_known = all(part >= 0 and part != self._unknown_index for part in parts)
        return parts if is_known else []
