"""The vectors of the characters: which lie near each other, and a plane to draw them on.

Notation: V vocabulary size, E embedding size, G gates of the cell, H hidden size.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np

from tui_charrnn.hangul import FINALS
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.shapes import GATE_COUNTS
from tui_charrnn.model.weights import Float64

Group = Literal["vowel", "consonant", "capital", "digit", "punctuation", "hangul", "final", "other"]

_VOWELS: Final = frozenset("aeiou")
_INITIALS: Final = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"


@dataclass(frozen=True, slots=True)
class Neighbor:
    """A character near another one."""

    character: str
    cosine: float
    """Of the angle between their vectors, from -1 to 1."""


class Embedding:
    """The vectors of a model's characters."""

    def __init__(self, model: Model) -> None:
        self.characters: Final = model.vocabulary.characters
        self.vectors: Final[Float64] = model.weights.embedding.astype(np.float64)
        """Shape (V, E)."""
        self.gates: Final = GATE_COUNTS[model.config.cell] * model.config.hidden_size
        """G·H: what the first layer makes of a character's numbers."""

    @cached_property
    def plane(self) -> tuple[Float64, Float64]:
        """The characters at their first two principal components, and the shares of the variance.

        Shapes (V, 2) and (2,). The sign of each component is such that the character farthest from
        0 lies on the positive side.
        """
        centered = self.vectors - self.vectors.mean(axis=0)
        left, strengths, _ = np.linalg.svd(centered, full_matrices=False)
        places = np.zeros((len(centered), 2))
        count = min(2, len(strengths))
        places[:, :count] = left[:, :count] * strengths[:count]
        farthest = np.abs(places).argmax(axis=0)
        places *= np.where(places[farthest, [0, 1]] < 0, -1, 1)
        shares = np.zeros(2)
        shares[:count] = strengths[:count] ** 2 / max(float((strengths**2).sum()), 1e-300)
        return places, shares

    def neighbors(self, index: int, count: int) -> list[Neighbor]:
        """The characters whose vectors point most nearly where one does, the nearest first."""
        lengths = np.linalg.norm(self.vectors, axis=1)
        cosines = self.vectors @ self.vectors[index] / np.maximum(lengths * lengths[index], 1e-300)
        order = [int(each) for each in np.argsort(-cosines, kind="stable") if each != index]
        return [Neighbor(self.characters[each], float(cosines[each])) for each in order[:count]]

    @property
    def sizes(self) -> Mapping[str, int]:
        """How many numbers one-hot columns take, and how many vectors take."""
        count, size = self.vectors.shape
        return {
            "vocabulary_size": count,
            "embedding_size": size,
            "one_hot_numbers": count * self.gates,
            "embedding_numbers": count * size + size * self.gates,
        }


def group_of(character: str) -> Group:
    """What a character is drawn as."""
    if character.isdigit():
        return "digit"
    if initial_of(character):
        is_vowel = "\u1161" <= character <= "\u1175" or "ㅏ" <= character <= "ㅣ"
        return "vowel" if is_vowel else "final" if character in FINALS else "hangul"
    if character.isalpha():
        plain = unicodedata.normalize("NFD", character)[0]
        if character.isupper():
            return "capital"
        if plain.isascii():
            return "vowel" if plain in _VOWELS else "consonant"
        return "other"
    return "punctuation"


def initial_of(character: str) -> str:
    """The first letter of a Hangul syllable, or of a jamo itself; empty for other characters."""
    if "가" <= character <= "힣":
        return _INITIALS[(ord(character) - ord("가")) // 588]
    code = ord(character) - 0x1100
    if 0 <= code < len(_INITIALS):
        return _INITIALS[code]
    return character if "ㄱ" <= character <= "ㅣ" or "\u1161" <= character <= "\u11ff" else ""


def cells_of(places: Float64, columns: int, rows: int) -> list[tuple[int, int]]:
    """A cell of its own for each point, as near to where it lies as there is room.

    Places have the shape (V, 2), the first going right and the second going up.

    Returns:
        Column and row of each point; as many points as there are cells, the others left out.
    """
    if not len(places):
        return []
    low, high = places.min(axis=0), places.max(axis=0)
    spread = np.where(high > low, high - low, 1)
    x = (places[:, 0] - low[0]) / spread[0] * (columns - 1)
    y = (high[1] - places[:, 1]) / spread[1] * (rows - 1)
    free = np.ones((rows, columns), bool)
    all_rows, all_columns = np.mgrid[0:rows, 0:columns]
    found = []
    for point in range(min(len(places), rows * columns)):
        # a row of a terminal is twice as high as a column is wide
        far = (all_columns - x[point]) ** 2 + 4 * (all_rows - y[point]) ** 2
        row, column = divmod(int(np.where(free, far, np.inf).argmin()), columns)
        free[row, column] = False
        found.append((column, row))
    return found
