"""Look-ups in an index, and its cache file."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.errors import CorpusError
from tui_charrnn.text import suffix_index
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.text.originality import PassageMatcher
from tui_charrnn.text.suffix_index import (
    SuffixIndex,
    index_path,
    obtain_index,
    open_index,
    store_index,
)

TEXT = "to be,\nor not to be: 한글로 된 말\n" * 3
WIDE = TEXT + "".join(map(chr, range(0xAC00, 0xAC00 + 300)))
SHA256 = "5" * 64


def refuse(sentence: str) -> None:
    raise AssertionError(sentence)


def lengths(index: SuffixIndex, said: str) -> list[int]:
    matcher = PassageMatcher(index)
    return [matcher.add(character).length for character in said]


@given(st.text("ab\n한", max_size=50), st.text("ab\n한", min_size=1, max_size=5))
def test_it_finds_every_place_of_a_passage(corpus: str, passage: str) -> None:
    index = SuffixIndex.of(corpus)
    codes = [index.code_of.get(character) for character in passage]
    if None in codes:
        assert any(character not in corpus for character in passage)
        return

    low, high = index.find(b"".join(code for code in codes if code))

    places = [place for place in range(len(corpus)) if corpus.startswith(passage, place)]
    assert sorted(index.suffixes[low:high]) == places
    if places:
        assert index.first_offset(places[-1], len(passage)) == places[0]


@pytest.mark.parametrize("text", [TEXT, WIDE])
def test_it_has_the_text_and_its_lines(text: str) -> None:
    index = SuffixIndex.of(text)
    assert index.passage(0, len(text)) == text
    assert index.passage(8, 5) == text[8:13]
    assert [index.line(place) for place in range(len(text))] == [
        text.count("\n", 0, place) + 1 for place in range(len(text))
    ]


def test_a_text_without_line_ends_is_one_line() -> None:
    assert SuffixIndex.of("abc").line(2) == 1


def test_a_text_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suffix_index, "LONGEST", 3)
    with pytest.raises(CorpusError, match="of 4 characters is too long"):
        SuffixIndex.of("abcd")


@pytest.mark.parametrize("text", ["", "x", TEXT, WIDE])
def test_a_kept_index_is_the_same(text: str) -> None:
    made = SuffixIndex.of(text)
    store_index(made, SHA256)

    kept = open_index(SHA256)

    assert kept is not None
    assert list(kept.suffixes) == list(made.suffixes)
    assert kept.passage(0, len(kept)) == text
    assert lengths(kept, "or not to 한글, 가각 be") == lengths(made, "or not to 한글, 가각 be")


def test_an_index_is_built_once() -> None:
    told: list[int] = []
    obtain_index(TEXT, SHA256, progress=lambda done, _: told.append(done), notify=refuse)
    assert told[-1] == len(TEXT)
    told.clear()

    index = obtain_index(TEXT, SHA256, progress=lambda done, _: told.append(done), notify=refuse)

    assert not told
    assert index.passage(0, 5) == TEXT[:5]


def test_only_this_user_can_read_what_holds_the_corpus() -> None:
    store_index(SuffixIndex.of(TEXT), SHA256)
    assert stat.S_IMODE(index_path(SHA256).stat().st_mode) == 0o600
    assert list(index_path(SHA256).parent.iterdir()) == [index_path(SHA256)]


def test_what_is_not_kept_is_not_opened() -> None:
    assert open_index(SHA256) is None
    assert open_index("") is None
    assert open_index("../" + "5" * 61) is None


@given(st.data())
def test_a_file_that_is_torn_or_changed_is_never_used(data: st.DataObject) -> None:
    store_index(SuffixIndex.of(TEXT), SHA256)
    path = index_path(SHA256)
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] ^= data.draw(st.integers(1, 255))

    for damaged in (bytes(changed), whole[:place], whole + b"\0"):
        path.write_bytes(damaged)
        assert open_index(SHA256) is None


def test_an_index_of_another_corpus_is_never_used() -> None:
    other = "6" * 64
    store_index(SuffixIndex.of("another text"), other)
    index_path(other).rename(index_path(SHA256))

    assert open_index(SHA256) is None
    index = obtain_index(TEXT, SHA256, notify=refuse)

    assert index.passage(0, len(TEXT)) == TEXT
    assert open_index(SHA256) is not None


def test_a_disk_that_refuses_costs_the_file_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("", encoding="utf-8")
    monkeypatch.setenv("CHARRNN_CACHE", str(in_the_way))
    told: list[str] = []

    index = obtain_index(TEXT, SHA256, notify=told.append)

    assert index.passage(0, len(TEXT)) == TEXT
    assert ["cannot be kept in" in sentence for sentence in told] == [True]


def test_the_hash_of_a_corpus_is_that_of_its_text(tmp_path: Path) -> None:
    """So that a model, which names its corpus by that hash, finds the index."""
    file = tmp_path / "corpus.txt"
    file.write_text(TEXT, encoding="utf-8")
    corpus = read_corpus([str(file)])
    obtain_index(corpus.text, corpus.sha256, notify=refuse)

    found = open_index(corpus.sha256)

    assert found is not None
    assert found.passage(0, len(found)) == TEXT
