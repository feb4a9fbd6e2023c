"""Draws the plot of a model's embedding, with legend and neighbors, for a terminal."""

from typing import Final, NamedTuple

import numpy as np
from rich.cells import cell_len

from tui_charrnn.hangul import is_jamo
from tui_charrnn.lens.embedding import Embedding, cells_of, group_of, initial_of
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


class Piece(NamedTuple):
    """Adjacent columns of a row."""

    text: str
    """Safe to show."""
    kind: str
    """The group, for Hangul with the number of its shade; empty for a gap."""
    number: int = -1
    """The character's index in the vocabulary; -1 for other pieces."""


def sign_of(character: str) -> str:
    """A symbol for a character, one or two columns wide."""
    named = safe_line if is_jamo(character) else format_character
    shown = _BLANK.get(character) or named(character)
    return shown if 0 < cell_len(shown) <= 2 else "·"


def kind_of(character: str) -> str:
    """The `Piece.kind` of a character."""
    group = group_of(character)
    return f"hangul{ord(initial_of(character)) % SHADES}" if group == "hangul" else group


def picture_of(
    embedding: Embedding, width: int, height: int, places: Float64 | None = None
) -> list[list[Piece]]:
    """Rows with each character in a cell, at its first two principal components.

    `places`, shape (V, 2), are the coordinates; None means the plane of the vectors.
    """
    signs = [sign_of(character) for character in embedding.characters]
    wide = max(map(cell_len, signs))
    places = embedding.plane[0] if places is None else places
    # the farthest first, so that outliers get their exact cells
    order = np.argsort(-(places**2).sum(axis=1), kind="stable")
    cells = cells_of(places[order], max(width // wide, 1), max(height, 1))
    rows: list[dict[int, int]] = [{} for _ in range(max(height, 1))]
    for index, (column, row) in zip(order, cells, strict=False):
        rows[row][column] = int(index)
    drawn = []
    for row_cells in rows:
        pieces, at = [], 0
        for column, index in sorted(row_cells.items()):
            sign = signs[index]
            pieces += [Piece(" " * (column * wide - at), "")] if column * wide > at else []
            pieces.append(Piece(sign, kind_of(embedding.characters[index]), index))
            at = column * wide + cell_len(sign)
        drawn.append(pieces)
    return drawn


def legend(embedding: Embedding) -> list[Piece]:
    """The groups present in a vocabulary, each in its color."""
    present = {group_of(character) for character in embedding.characters}
    pieces = []
    for group, name in GROUPS.items():
        if group in present:
            pieces += [Piece(tr(name), "hangul0" if group == "hangul" else group), Piece("  ", "")]
    return pieces


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
