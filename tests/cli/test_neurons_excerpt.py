"""Excerpts in rows: their text, the signs below, and the colors."""

import numpy as np

from tui_charrnn.cli.lens import _LEVEL_COLORS, ExcerptRow, excerpt_rows
from tui_charrnn.lens.neurons import levels_of


def rows(text: str, levels: list[int], width: int = 80) -> list[ExcerptRow]:
    return list(excerpt_rows(text, np.array(levels, np.int8), width))


def test_neighbors_of_one_level_are_together() -> None:
    (row,) = rows("abcde", [2, 2, 0, -1, -2])

    assert row.pieces == (("ab", 2), ("c", 0), ("d", -1), ("e", -2))
    assert row.marks == "## -="


def test_rows_end_at_line_feeds_and_where_they_are_full() -> None:
    found = rows("abc\nd\n\nefgh", [1] * 11, width=3)

    assert ["".join(text for text, _ in row.pieces) for row in found] == [
        "abc", "␤", "d␤", "␤", "efg", "h",
    ]  # fmt: skip
    assert [row.marks for row in found] == ["+++", "+", "++", "+", "+++", "+"]


def test_signs_are_below_wide_characters_and_signs_for_controls() -> None:
    (row,) = rows("a한\x1b\u202eb", [0, 1, -1, 2, 0])

    assert "".join(text for text, _ in row.pieces) == "a한␛⟨202E⟩b"
    assert row.marks == " ++-######"


def test_a_mark_on_a_character_has_the_level_of_that_one() -> None:
    (row,) = rows("e\N{COMBINING ACUTE ACCENT}a", [1, 2, 0])

    assert row.pieces == (("e\N{COMBINING ACUTE ACCENT}", 1), ("a", 0))
    assert row.marks == "+"


def test_a_passage_without_levels_has_no_signs() -> None:
    assert [row.marks for row in rows("ab", [0, 0])] == [""]


def test_colors_can_be_distinguished_on_every_terminal() -> None:
    # 16-color codes, each with its own background
    assert all(color.startswith("\x1b[") and ";4" in color for color in _LEVEL_COLORS.values())
    assert len(set(_LEVEL_COLORS.values())) == len(_LEVEL_COLORS) == 4


def test_levels_are_standard_deviations_from_the_mean() -> None:
    values = np.array([3, 1.49, 3.01, 5.99, 6.01, 2.01, -0.01, np.nan])

    assert levels_of(values, 3, 2).tolist() == [0, -1, 0, 1, 2, 0, -2, 0]
    assert levels_of(np.array([4.0, 2.0]), 3, 0).tolist() == [0, 0]
    assert levels_of(np.array([4.0, 2.0]), 3, 2).tolist() == [1, -1]
