"""Properties of text: by hand on short texts, and against a naive loop on any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.naive_properties import NAIVE
from tui_charrnn.errors import ConfigError
from tui_charrnn.lens.properties import (
    LOOK_AHEAD,
    PROPERTIES,
    PropertyReader,
    find_properties,
    with_following,
)
from tui_charrnn.text.vocabulary import END

CHARACTERS = "aB1 \t\n\n\"'“”‘’()[]{}#/:\\.-é한_²"  # noqa: RUF001  the quotation marks are what is looked for
PIECES = [
    "ROMEO:",
    "First Citizen:\n",
    "\n\n",
    "    ",
    "don't",
    "'a'",
    '"b"',
    "http://",
    " # ",
    "//",
]
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.sampled_from(CHARACTERS)), max_size=60).map(
    "".join
)


def values(name: str, *blocks: str) -> list[float]:
    """The values of one property over a text that comes in blocks."""
    reader = PropertyReader(find_properties([name]))
    return [
        float(value)
        for block, after in with_following(blocks)
        for value in reader.read(block, after)[:, 0]
    ]


def marked(name: str, text: str) -> str:
    """A text with 1 for what has a property and 0 for what has it not; line feeds stay."""
    found = values(name, text)
    return "".join(
        "\n" if each == "\n" else f"{value:.0f}" for each, value in zip(text, found, strict=True)
    )


def test_the_end_of_a_record_ends_a_line() -> None:
    for name in ("line-position", "newline-distance", "after-name"):
        assert values(name, f"A: b{END}c", f"d{END}") == values(name, "A: b\nc", "d\n")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("double-quotes", 'a "bc" d', "00111000"),
        ("double-quotes", 'a "b\n\nc', "0011\n\n0"),
        ("double-quotes", r'"a\"b"', "111110"),
        ("double-quotes", "“a” b", "11000"),
        ("single-quotes", "a 'b' c", "0011000"),
        ("single-quotes", "don't 'tis\nso", "0000001111\n00"),
        ("single-quotes", "x = '' + 'a b'", "00001000011110"),
        ("single-quotes", "['a', 'b']", "0110001100"),
        ("parentheses", "a(b(c)d)e", "011111100"),
        ("parentheses", ")a(b", "0011"),
        ("parentheses", "(a\nb\n\nc", "11\n1\n\n0"),
        ("square-brackets", "(a[b])", "001100"),
        ("braces", "{\n\na}b", "1\n\n100"),
        ("brackets", "(a)[b]{c}d", "1101101100"),
        ("bracket-depth", "a(b[c{d}e]f)g", "0112233221100"),
        ("comment", "a # b\nc", "00111\n0"),
        ("comment", "a#b //c", "0000011"),
        ("comment", "http://x", "00000000"),
        ("comment", "//a\nb", "011\n0"),
        ("after-name", "ROMEO: o my\nb", "00000111111\n0"),
        ("after-name", "ROMEO:\nA b\nc", "000001\n111\n0"),
        ("after-name", "key: a", "000000"),
        ("after-name", "홍길동: 예", "000111"),
        ("after-name", "1: a", "0000"),
        ("after-name", "²A: b", "00000"),
        ("line-position", "ab\nc", "12\n1"),
        ("newline-distance", "ab\ncd", "21\n21"),
        ("indentation", "  a b\nc\n   ", "12222\n0\n123"),
        ("word-start", "ab c1 2-d", "100100101"),
        ("upper-case", "aBÉ", "011"),
        ("digit", "a10", "011"),
    ],
)
def test_what_a_property_says(name: str, text: str, expected: str) -> None:
    assert marked(name, text) == expected


def test_every_property_has_a_reference() -> None:
    assert [each.name for each in PROPERTIES] == list(NAIVE)
    assert len({each.sentence for each in PROPERTIES}) == len(PROPERTIES)


@pytest.mark.parametrize("name", NAIVE)
@given(blocks=st.lists(TEXTS, min_size=1, max_size=4))
def test_the_values_are_those_of_a_naive_loop_wherever_the_text_is_cut(
    name: str, blocks: list[str]
) -> None:
    assert values(name, *blocks) == NAIVE[name]("".join(blocks))


@pytest.mark.parametrize("name", ["newline-distance", "line-position", "indentation"])
@pytest.mark.parametrize("width", [LOOK_AHEAD - 1, LOOK_AHEAD, LOOK_AHEAD + 1, 1100])
def test_long_lines_are_counted_up_to_a_bound(name: str, width: int) -> None:
    text = " " * width + "\n" + "a" * width

    for cut in (1, width - 1, width, width + 1, width + 2):
        assert values(name, text[:cut], text[cut:]) == NAIVE[name](text)


def test_all_properties_at_once_are_each_by_itself() -> None:
    text = 'ROMEO: "a (b)" # 1\n  C'
    together = PropertyReader().read(text)

    assert together.shape == (len(text), len(PROPERTIES))
    for column, each in enumerate(PROPERTIES):
        assert together[:, column].tolist() == values(each.name, text)


@given(st.lists(st.text(alphabet="ab", max_size=150), max_size=6))
def test_blocks_are_paired_with_what_follows(blocks: list[str]) -> None:
    text, done = "".join(blocks), 0

    for block, after in with_following(blocks):
        done += len(block)
        assert after == text[done : done + LOOK_AHEAD]

    assert done == len(text)


def test_a_property_that_is_not_known_is_told_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match=r"one of double-quotes, .*, digit\. Received: 'quotes'"):
        find_properties(["digit", "quotes"])
    assert [each.name for each in find_properties(["digit", "comment", "digit"])] == [
        "digit",
        "comment",
    ]
