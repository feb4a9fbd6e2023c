"""The rows of candidate characters."""

import pytest
from textual.content import Content

from tui_charrnn.generation.tape import Alternative
from tui_charrnn.tui.text.alternative_rows import AlternativeRow, draw_rows, page_rows
from tui_charrnn.viewing.formatting import bar, format_character, percent

ALTERNATIVES = [Alternative(chr(97 + n), n, 0.5**n / 2, 0.5**n / 3) for n in range(20)]


def indices(chosen: int | None, branches: dict[int, str], first: int, count: int) -> list[int]:
    rows = page_rows(ALTERNATIVES, chosen, branches, first, count)
    return [row.alternative.index for row in rows]


def test_the_likeliest_and_every_chosen_character_are_shown() -> None:
    assert indices(2, {}, 0, 4) == [0, 1, 2, 3]
    assert indices(9, {}, 0, 4) == [0, 1, 2, 9]
    assert indices(9, {9: "one", 12: "two", 1: "three"}, 0, 4) == [0, 1, 9, 12]
    assert indices(9, {9: "one", 12: "two", 15: "three"}, 0, 2) == [0, 9]
    assert indices(None, {}, 4, 4) == [4, 5, 6, 7]
    assert indices(None, {}, 16, 9) == [16, 17, 18, 19]


def test_the_chosen_character_and_its_branches_are_marked() -> None:
    rows = page_rows(ALTERNATIVES, 1, {1: "branch 1", 3: "branch 2"}, 0, 4)
    assert [row.is_chosen for row in rows] == [False, True, False, False]
    assert [row.note for row in rows] == ["", "branch 1", "", "branch 2"]


@pytest.mark.parametrize(
    ("character", "words"),
    [
        ("a", "a"),
        (" ", "space"),
        ("\n", "newline"),
        ("\x1b", "␛"),
        ("\u202e", "⟨202E⟩"),
        ("\u0301", "\N{DOTTED CIRCLE}\u0301"),
        ("한", "한"),
        ("\u1112", "ㅎ"),
        ("\u11ab", "-ㄴ"),
    ],
)
def test_every_character_has_a_name(character: str, words: str) -> None:
    assert format_character(character) == words


def test_signs_that_ascii_draws_otherwise_are_named() -> None:
    assert format_character("\N{EM DASH}", is_ascii=True) == "U+2014"
    assert format_character("é", is_ascii=True) == "é"
    assert format_character("-", is_ascii=True) == "-"


@pytest.mark.parametrize(
    ("probability", "words"),
    [(1, "100.0 %"), (0.5, "50.0 %"), (0.01234, "1.23 %"), (1e-7, "<0.01 %"), (0, "0 %")],
)
def test_percentages(probability: float, words: str) -> None:
    assert percent(probability) == words


def test_bars_are_as_long_as_their_share() -> None:
    assert bar(1, 10) == "█" * 10
    assert bar(0.5, 10) == "█" * 5
    assert bar(0.51, 10) == "█" * 5 + "▏"
    assert bar(1e-9, 10) == "▏"
    assert bar(0, 10) == ""


def test_a_forbidden_character_has_a_mark_and_a_label() -> None:
    others = [Alternative("a", 0, 0.0, 0.5, is_forbidden=True), Alternative("b", 1, 1.0, 0.5)]
    for chosen, mark in ((1, "✗"), (0, "▸")):  # a forbidden character can be chosen by hand
        rows = page_rows(others, chosen, {}, 0, 9)
        _, forbidden, other = draw_rows(rows, 60, is_ascii=False)
        assert forbidden.plain[0] == mark
        assert "forbidden    50.0 %" in forbidden.plain
        assert "forbidden" not in other.plain
        assert any(span.style == "dim" for span in forbidden.spans) == (chosen == 1)


@pytest.mark.parametrize("width", [12, 36, 59, 60, 76, 200])
@pytest.mark.parametrize("note", ["", "branch with a very long name indeed, longer than its room"])
def test_all_rows_have_their_columns_below_each_other(width: int, note: str) -> None:
    rows = [AlternativeRow(other, False, note) for other in ALTERNATIVES]
    rows[3] = AlternativeRow(Alternative("한", 3, 0.25, 0.001), True, note)
    head, *drawn = draw_rows(rows, width, is_ascii=False)
    assert len({_first_percent_end(row) for row in drawn}) == 1
    if width >= 36:
        assert max(row.cell_length for row in drawn) <= width
        assert head.cell_length <= width
    digits = [row.plain[2] for row in drawn]
    assert digits == [*"123456789", *" " * 11]


def _first_percent_end(row: Content) -> int:
    return Content(row.plain.partition(" %")[0]).cell_length
