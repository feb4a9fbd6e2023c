"""Text from `safe_text` cannot control a terminal, however it is cut."""

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.hangul import is_jamo
from tui_charrnn.safe_text import safe_line, safe_text, with_few_marks

FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but line feed and tab, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    "\u2028\u2029\ufeff\ud800-\udfff]"  # separators, byte order mark, halves of pairs
)
JOINERS = "\u200c\u200d"
INTRODUCERS = (
    "\x1b[]P_^X\\\x07\x18\x1a\r\b\x0e\x0f()c=>#%;?0m"
    + "".join(map(chr, range(0x80, 0xA0)))
    + "\u202e\u2066\u2028\ufeff\u200d\ud83d\udc69"
)
"""Characters that begin, continue, cancel or end a sequence, in 7 and 8 bits."""
hostile = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\x1b[]\x07\x9b\x9d\x90\r\n\t;31mPX\\\u202e\u2066\ud800\udfff\u0301\u0e47"),
    )
)


@pytest.fixture(scope="module")
def shown() -> dict[str, str]:
    """Every Unicode character and what it is shown as."""
    return {chr(code): safe_text(chr(code)) for code in range(sys.maxunicode + 1)}


def test_no_character_comes_through_that_could_do_harm(shown: dict[str, str]) -> None:
    assert [char for char, sign in shown.items() if FORBIDDEN.search(sign)] == []


def test_no_character_of_a_harmful_kind_comes_through(shown: dict[str, str]) -> None:
    harmful = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    signs = set("".join(shown.values()))
    passed = {sign for sign in signs if unicodedata.category(sign) in harmful}
    assert passed == {"\n", "\t", *JOINERS}


def test_no_character_is_dropped(shown: dict[str, str]) -> None:
    assert all(shown.values())


def test_every_character_is_settled_after_one_pass(shown: dict[str, str]) -> None:
    changed = {sign for char, sign in shown.items() if sign != char}
    assert all(safe_text(sign) == sign for sign in changed)


def test_what_people_read_is_left_alone(shown: dict[str, str]) -> None:
    kinds = {"L", "N", "P", "S"}
    changed = [char for char, sign in shown.items() if sign != char and not is_jamo(char)]
    assert [char for char in changed if unicodedata.category(char)[0] in kinds] == []


def test_no_jamo_comes_through_and_those_of_a_syllable_become_it(shown: dict[str, str]) -> None:
    assert not any(map(is_jamo, "".join(shown.values())))
    assert safe_text("\u1112\u1161\u11ab\u1100") == "한ㄱ"


@pytest.mark.parametrize(
    "text",
    [
        "Grüße, 한국어, العربية, हिन्दी",
        "👩\u200d👩\u200d👧",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "a\tb\nc",
        "",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert safe_text(text) == text


@pytest.mark.parametrize("first", INTRODUCERS)
def test_no_pair_of_introducers_makes_a_sequence(first: str) -> None:
    for second in INTRODUCERS:
        pair = first + second
        shown = safe_text(pair)
        assert not FORBIDDEN.search(shown), ascii(pair)
        assert safe_text(shown) == shown, ascii(pair)
        assert shown == safe_text(first) + safe_text(second), ascii(pair)


@pytest.mark.parametrize("introducer", ["\x1b", "\x9b", "\x9d", "\x90"])
def test_no_character_beside_an_introducer_makes_a_sequence(introducer: str) -> None:
    basic = map(chr, range(0x10000))  # above, there is nothing that terminals know
    shown = safe_text("".join(f"{introducer}{character}" for character in basic))
    assert not FORBIDDEN.search(shown)
    assert shown.count(safe_text(introducer)) >= 0x10000  # none is dropped


@given(hostile)
def test_any_text_is_harmless(text: str) -> None:
    assert not FORBIDDEN.search(safe_text(text))


@given(hostile)
def test_a_second_pass_changes_nothing(text: str) -> None:
    assert safe_text(safe_text(text)) == safe_text(text)


@given(hostile, hostile)
def test_pieces_are_harmless_together(before: str, after: str) -> None:
    assert not FORBIDDEN.search(safe_text(before) + safe_text(after))


@given(
    st.lists(st.sampled_from("a\x1b[\x9b\n\u202e한\ud83d\udc69é"), max_size=30), st.integers(0, 30)
)
def test_a_cut_changes_nothing(characters: list[str], place: int) -> None:
    text = "".join(characters)
    assert safe_text(text[:place]) + safe_text(text[place:]) == safe_text(text)


@pytest.mark.parametrize(
    ("character", "sign"),
    [
        ("\x1b", "␛"),
        ("\x00", "␀"),
        ("\r", "␍"),
        ("\x7f", "␡"),
        ("\x9b", "⟨9B⟩"),
        ("\u202e", "⟨202E⟩"),
        ("\ufeff", "⟨FEFF⟩"),
        ("\u2028", "␤"),
        ("\ud800", "\ufffd"),
    ],
)
def test_what_cannot_be_shown_has_a_sign(character: str, sign: str) -> None:
    assert safe_text(f"a{character}b") == f"a{sign}b"


def longest_pile(text: str) -> int:
    return max((len(run) for run in re.findall("[\u0301\u0488\u0e47]+", text)), default=0)


@pytest.mark.parametrize("mark", ["\u0301", "\u0488", "\u0e47"])
def test_marks_do_not_pile_up(mark: str) -> None:
    shown = safe_text("a" + mark * 40)
    assert longest_pile(shown) == 8
    assert shown.count(mark) == 40


def test_joiners_do_not_help_marks_to_pile_up() -> None:
    shown = safe_text("a" + "\u0301\u200d" * 40)
    assert longest_pile(shown.replace("\u200d", "")) == 8


def test_a_line_stays_one_line() -> None:
    assert safe_line("a\nb\tc\u2028d\r") == "a␤b␉c␤d␍"


@given(hostile)
def test_any_line_is_one_line(text: str) -> None:
    assert len(safe_line(text).splitlines()) <= 1


@given(hostile)
def test_a_field_that_counts_characters_bears_no_pile(text: str) -> None:
    shown = "".join(char for char in text if safe_text(char) == char)
    assert with_few_marks(shown, "") == safe_text(with_few_marks(shown, ""))
    assert len(with_few_marks(shown, "\u200c")) == len(shown)


def test_eight_marks_stay() -> None:
    word = "a" + "\u0301" * 8
    assert with_few_marks(f"{word}\u200d\u0301b\u0301", "") == f"{word}\u200db\u0301"
