"""The embedding of a model: neighbors, a projection to the plane, and its picture for a terminal.

Notation: V vocabulary size, E embedding size, G gates of the cell, H hidden size.
"""

import unicodedata
from collections.abc import Mapping
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from rich.cells import cell_len

from tui_charrnn.hangul import FINALS, is_jamo
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.shapes import GATE_COUNTS
from tui_charrnn.model.weights import Float64
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.viewing.formatting import format_character

GROUPS: Final = {
    "vowel": "vowels",
    "consonant": "consonants",
    "capital": "capitals",
    "digit": "digits",
    "punctuation": "punctuation",
    "hangul": "Hangul, by first letter",
    "final": "finals",
    "other": "others",
}
"""In the order of the legend."""
SHADES: Final = 6
"""Number of colors for Hangul, by initial letter."""
_BLANK: Final = {" ": "␣", "\n": "␤", "\t": "␉", "\r": "␍"}
_VOWELS: Final = frozenset("aeiou")
_INITIALS: Final = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"


class Neighbor(NamedTuple):
    """A neighbor of a character in the embedding."""

    character: str
    cosine: float
    """Cosine similarity, -1 to 1."""


class Embedding:
    """The embedding vectors of a model's characters."""

    def __init__(self, model: Model) -> None:
        self.characters: Final = model.vocabulary.characters
        self.vectors: Final[Float64] = model.weights.embedding.astype(np.float64)
        """Shape (V, E)."""
        self.gates: Final = GATE_COUNTS[model.config.cell] * model.config.hidden_size
        """G·H: outputs of the first layer's kernel."""

    @cached_property
    def plane(self) -> tuple[Float64, Float64]:
        """The first two principal components, shape (V, 2), and their shares of variance, (2,).

        The sign of each component is such that its largest absolute value is positive.
        """
        centered = self.vectors - self.vectors.mean(axis=0)
        left, strengths, _ = np.linalg.svd(centered, full_matrices=False)
        points = np.zeros((len(centered), 2))
        count = min(2, len(strengths))
        points[:, :count] = left[:, :count] * strengths[:count]
        farthest = np.abs(points).argmax(axis=0)
        points *= np.where(points[farthest, [0, 1]] < 0, -1, 1)
        shares = np.zeros(2)
        shares[:count] = strengths[:count] ** 2 / max(float((strengths**2).sum()), 1e-300)
        return points, shares

    def neighbors(self, index: int, count: int) -> list[Neighbor]:
        """Return the characters with the highest cosine similarity to one, in descending order."""
        lengths = np.linalg.norm(self.vectors, axis=1)
        cosines = self.vectors @ self.vectors[index] / np.maximum(lengths * lengths[index], 1e-300)
        order = [int(each) for each in np.argsort(-cosines, kind="stable") if each != index]
        return [Neighbor(self.characters[each], float(cosines[each])) for each in order[:count]]

    @property
    def sizes(self) -> Mapping[str, int]:
        """Parameter counts of one-hot inputs and of an embedding."""
        count, size = self.vectors.shape
        return {
            "vocabulary_size": count,
            "embedding_size": size,
            "one_hot_numbers": count * self.gates,
            "embedding_numbers": count * size + size * self.gates,
        }


def group_of(character: str) -> str:
    """Return the group of a character in `GROUPS`, which decides its color."""
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
    """Return the initial of a Hangul syllable or jamo; empty for other characters."""
    if "가" <= character <= "힣":
        return _INITIALS[(ord(character) - ord("가")) // 588]
    code = ord(character) - 0x1100
    if 0 <= code < len(_INITIALS):
        return _INITIALS[code]
    return character if "ㄱ" <= character <= "ㅣ" or "\u1161" <= character <= "\u11ff" else ""


def cells_of(points: Float64, columns: int, rows: int) -> list[tuple[int, int]]:
    """Assign each point the nearest free cell of a terminal grid, without overlaps.

    Points have the shape (V, 2): x to the right, y upward.

    Returns:
        Column and row of each point; points beyond the number of cells are left out.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    spread = np.where(high > low, high - low, 1)
    x = (points[:, 0] - low[0]) / spread[0] * (columns - 1)
    y = (high[1] - points[:, 1]) / spread[1] * (rows - 1)
    free = np.ones((rows, columns), bool)
    all_rows, all_columns = np.mgrid[0:rows, 0:columns]
    cells = []
    for point in range(min(len(points), rows * columns)):
        # a row of a terminal is twice as high as a column is wide
        distances = (all_columns - x[point]) ** 2 + 4 * (all_rows - y[point]) ** 2
        row, column = divmod(int(np.where(free, distances, np.inf).argmin()), columns)
        free[row, column] = False
        cells.append((column, row))
    return cells


class Piece(NamedTuple):
    """Adjacent columns of a row."""

    text: str
    """Safe to show."""
    kind: str
    """The group, for Hangul with the number of its shade; empty for a gap."""
    number: int = -1
    """The character's index in the vocabulary; -1 for other pieces."""


def _sign_of(character: str) -> str:
    """A symbol for a character, one or two columns wide."""
    named = safe_line if is_jamo(character) else format_character
    shown = _BLANK.get(character) or named(character)
    return shown if 0 < cell_len(shown) <= 2 else "·"


def picture_of(
    embedding: Embedding, width: int, height: int, places: Float64 | None = None
) -> list[list[Piece]]:
    """Rows with each character in a cell, at its first two principal components.

    `places`, shape (V, 2), are the coordinates; None means the plane of the vectors.
    """
    signs = [_sign_of(character) for character in embedding.characters]
    wide = max(map(cell_len, signs))
    places = embedding.plane[0] if places is None else places
    # the farthest first, so that outliers get their exact cells
    order = np.argsort(-(places**2).sum(axis=1), kind="stable")
    cells = cells_of(places[order], max(width // wide, 1), max(height, 1))
    placed = {(row, column): int(index) for index, (column, row) in zip(order, cells, strict=False)}
    drawn: list[list[Piece]] = [[] for _ in range(max(height, 1))]
    for (row, column), index in sorted(placed.items()):
        pieces, character = drawn[row], embedding.characters[index]
        gap = column * wide - sum(cell_len(piece.text) for piece in pieces)
        pieces += [Piece(" " * gap, "")] if gap else []
        group = group_of(character)
        shade = f"{ord(initial_of(character)) % SHADES}" if group == "hangul" else ""
        pieces.append(Piece(signs[index], f"{group}{shade}", index))
    return drawn


def legend(embedding: Embedding, width: int) -> list[list[Piece]]:
    """Rows of the groups present in a vocabulary, each in its color."""
    present = {group_of(character) for character in embedding.characters}
    rows: list[list[Piece]] = [[]]
    used = 0
    for group, name in ((group, tr(name)) for group, name in GROUPS.items() if group in present):
        if used and used + cell_len(name) > width:
            rows.append([])
            used = 0
        rows[-1] += [Piece(name, "hangul0" if group == "hangul" else group), Piece("  ", "")]
        used += cell_len(name) + 2
    return rows


def format_neighbors(embedding: Embedding, index: int, count: int) -> str:
    """A character and its nearest neighbors, with the cosine of each."""
    near = embedding.neighbors(index, count)
    listed = "  ".join(f"{format_character(each.character)} {each.cosine:+.2f}" for each in near)
    return f"{format_character(embedding.characters[index])}: {listed}"


def format_sizes(embedding: Embedding) -> str:
    """One sentence that compares the sizes of one-hot input and embedding."""
    sizes = embedding.sizes
    count, size = sizes["vocabulary_size"], sizes["embedding_size"]
    whole, weights = sizes["one_hot_numbers"], sizes["embedding_numbers"]
    sentence = tr(
        "A character is {size:,} numbers instead of {count:,} (one-hot). With the first layer that "
        "is {weights:,} weights instead of {whole:,}",
        size=size,
        count=count,
        weights=weights,
        whole=whole,
    )
    return tr(
        "{sentence}: the table costs {count:,}."
        if weights > whole
        else "{sentence}: the table saves {count:,}.",
        sentence=sentence,
        count=abs(weights - whole),
    )
