"""Bytes are decoded, or the error names the position."""

import unicodedata
from io import BytesIO
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.errors import CorpusError
from tui_charrnn.text.corpus import Reading
from tui_charrnn.text.decoding import BytesFound, known_encoding, looks_binary, read_source

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), min_size=1)


class Decoded(NamedTuple):
    text: str
    found: BytesFound


def decode(
    data: bytes, *, encoding: str = "utf-8", unify_newlines: bool = True, compose: bool = True
) -> Decoded:
    reading = Reading(encoding=encoding, unify_newlines=unify_newlines, compose=compose)
    found = BytesFound()
    pieces = read_source("words.txt", BytesIO(data), reading, found)
    return Decoded("".join(pieces), found)


@given(texts, st.sampled_from(["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]))
def test_a_byte_order_mark_tells_the_encoding(text: str, encoding: str) -> None:
    decoded = decode(f"\ufeff{text}".encode(encoding), unify_newlines=False, compose=False)
    assert (decoded.text, decoded.found.codec, decoded.found.has_mark) == (text, encoding, True)


@given(texts, st.sampled_from(["utf-8", "utf-16", "utf-16-le", "utf-32", "utf-8-sig"]))
def test_a_named_encoding_reads_its_own_bytes(text: str, encoding: str) -> None:
    data = text.encode(encoding)
    found = decode(data, encoding=encoding, unify_newlines=False, compose=False)
    assert found.text == text


@given(texts)
def test_normalization_leaves_nothing_to_normalize(text: str) -> None:
    found = decode(text.encode())
    assert "\r" not in found.text
    assert unicodedata.is_normalized("NFC", found.text)
    assert found.text == unicodedata.normalize(
        "NFC", text.replace("\r\n", "\n").replace("\r", "\n")
    )


@given(texts)
def test_composed_characters_are_counted_exactly_when_there_are_some(text: str) -> None:
    counted = decode(text.encode()).found.composed
    assert bool(counted) == (not unicodedata.is_normalized("NFC", text))


@given(texts)
def test_nothing_is_changed_that_was_not_asked_for(text: str) -> None:
    assert decode(text.encode(), unify_newlines=False, compose=False).text == text


def test_line_ends_are_counted_and_unified() -> None:
    text, found = decode(b"a\r\nb\r\rc\n")
    assert (text, found.crlf, found.cr) == ("a\nb\n\nc\n", 1, 2)


def test_line_ends_are_counted_where_they_are_kept() -> None:
    text, found = decode(b"a\r\nb\r", unify_newlines=False)
    assert (text, found.crlf, found.cr) == ("a\r\nb\r", 1, 1)


@pytest.mark.parametrize(
    ("text", "count"),
    [("cafe\u0301 e\u0301te\u0301", 3), ("\u1112\u1161\u11ab\u1100\u1173\u11af", 2), ("é한", 0)],
)
def test_composed_characters_are_counted_as_a_reader_sees_them(text: str, count: int) -> None:
    assert decode(text.encode()).found.composed == count


@pytest.mark.parametrize("before", ["", "\ufeff"])
def test_undecodable_bytes_are_named_with_file_offset_and_line(before: str) -> None:
    data = before.encode() + b"one\ntwo\xff"
    with pytest.raises(CorpusError) as caught:
        decode(data)
    message = str(caught.value)
    assert "words.txt" in message
    assert f"byte {data.index(b'two') + 3} (0xff, line 2)" in message
    assert "--encoding" in message


def test_a_truncated_character_is_an_error() -> None:
    with pytest.raises(CorpusError, match="byte 2 "):
        decode("ab한".encode()[:-1])


def test_a_zero_byte_means_binary() -> None:
    with pytest.raises(CorpusError, match=r"not text: byte 2 is zero.*utf-16"):
        decode(b"PK\0\0")


def test_wide_text_that_decodes_to_zeros_is_refused() -> None:
    with pytest.raises(CorpusError, match="not text in utf-16-le"):
        decode(b"a\0\0\0", encoding="utf-16-le")


@pytest.mark.parametrize("encoding", ["klingon", "hex", "rot13", "utf-8\0", ""])
def test_an_unknown_encoding_is_refused(encoding: str) -> None:
    with pytest.raises(CorpusError, match="no text encoding"):
        known_encoding(encoding)


def test_an_encoding_that_makes_half_characters_is_refused() -> None:
    with pytest.raises(CorpusError, match="not text in unicode-escape"):
        decode(rb"\ud800", encoding="unicode_escape")


def test_an_encoding_that_does_not_say_where_it_failed_is_reported() -> None:
    with pytest.raises(CorpusError, match="not valid idna"):
        decode(b"xn--a.b" * 40, encoding="idna")


def test_a_named_encoding_wins_over_a_mark_of_another() -> None:
    assert decode(b"\xef\xbb\xbfa", encoding="latin-1").text == "ï»¿a"


@pytest.mark.parametrize(
    ("start", "encoding", "is_binary"),
    [
        (b"plain", "utf-8", False),
        (b"\x89PNG\0", "utf-8", True),
        ("\ufeffwide".encode("utf-16-le"), "utf-8", False),
        ("wide".encode("utf-16-le"), "utf-8", True),
        ("wide".encode("utf-16-le"), "utf-16-le", False),
    ],
)
def test_binary_is_told_from_text(start: bytes, encoding: str, is_binary: bool) -> None:
    assert looks_binary(start, encoding) == is_binary
