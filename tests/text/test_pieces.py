"""A text in pieces of any size equals the whole text, decoded and cleaned at once."""

import unicodedata
from io import BytesIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tui_charrnn.text import decoding
from tui_charrnn.text.corpus import Reading
from tui_charrnn.text.decoding import BytesFound, joins, read_pieces

TRICKY = (
    "ab \n\r\t\x00e\u0301\u0323\u0344é"  # letters and marks; a mark that is two in NFC
    "가한\u1112\u1161\u11ab"  # Hangul: composed, and consonant, vowel, final
    "か\u3099ハ\u309a漢\uf900"  # kana and their voicing marks, a twin of another ideograph
    "\u212b\u0958\u0915\u093c\u09c7\u09be😀\U0001d15e"  # singletons, what NFC takes apart
).replace("\x00", "")
ENCODINGS = [
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "utf-32-be",
    "utf-7",
    "cp949",
    "euc_kr",
    "shift_jis",
    "iso2022_jp",
    "gb18030",
    "cp1252",
    "ascii",
]

texts = st.text(st.sampled_from(TRICKY), max_size=60)


def at_once(data: bytes, encoding: str, reading: Reading) -> str:
    """The reference: Python's own functions on the whole."""
    text = data.decode(encoding)
    if reading.unify_newlines:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", text) if reading.compose else text


def pieces_of(data: bytes, reading: Reading, found: BytesFound, size: int) -> list[str]:
    """The text in pieces of `size` bytes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "PIECE", size)
        return list(read_pieces(BytesIO(data), reading, found))


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(
    text=texts,
    size=st.integers(1, 20),
    unify_newlines=st.booleans(),
    compose=st.booleans(),
)
def test_pieces_of_any_size_make_up_the_text(
    encoding: str, text: str, size: int, unify_newlines: bool, compose: bool
) -> None:
    data = text.encode(encoding, "ignore")
    reading = Reading(encoding=encoding, unify_newlines=unify_newlines, compose=compose)
    found, whole = BytesFound(), BytesFound()
    pieces = pieces_of(data, reading, found, size)
    assert "".join(pieces) == at_once(data, encoding, reading)
    list(read_pieces(BytesIO(data), reading, whole))
    assert found == whole


@given(text=texts, size=st.integers(1, 20))
@example(text="\u0344e\u0301", size=1)
def test_a_mark_that_begins_a_text_stays_there(text: str, size: int) -> None:
    data = f"\u0301{text}".encode()
    pieces = pieces_of(data, Reading(), BytesFound(), size)
    assert "".join(pieces) == at_once(data, "utf-8", Reading())


@given(texts)
def test_what_was_found_is_what_is_there(text: str) -> None:
    found = BytesFound()
    pieces_of(text.encode(), Reading(), found, 5)
    assert found.bytes == found.consumed == len(text.encode())
    assert found.crlf == text.count("\r\n")
    assert found.cr == text.count("\r") - text.count("\r\n")


def test_what_a_piece_may_begin_with_melts_into_nothing_before_it() -> None:
    for character in map(chr, range(0x110000)):
        if unicodedata.category(character) in {"Cn", "Co", "Cs"} or joins(character):
            continue
        alone = unicodedata.normalize("NFC", character)
        for before in "eか가\u1100":
            assert unicodedata.normalize("NFC", before + character) == before + alone


def test_a_text_without_a_place_to_cut_is_read_all_the_same() -> None:
    data = ("e" + "\u0301" * 70_000).encode()
    pieces = pieces_of(data, Reading(), BytesFound(), 1 << 16)
    assert "".join(pieces) == "é" + "\u0301" * 69_999


def test_without_a_mark_wide_text_is_in_the_order_of_this_machine() -> None:
    data = b"a\0b\0" * 50
    for size in (1, 3, 1000):
        pieces = pieces_of(data, Reading(encoding="utf-16"), BytesFound(), size)
        assert "".join(pieces) == data.decode("utf-16")
