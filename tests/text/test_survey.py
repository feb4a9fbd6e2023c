"""A survey in pieces equals the inspection of the whole text."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.errors import CorpusError, never_cancelled
from tui_charrnn.text import decoding, inspection, numbering
from tui_charrnn.text.corpus import Reading
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.text.inspection import Survey, inspect_corpus, survey_sources
from tui_charrnn.text.sources import find_sources

TRICKY = st.text(
    st.sampled_from("ab \n\r\t한\u1112\u1161\u11ab가e\u0301\u0323\ufeff\u200bä\x07"), min_size=1
)


def ignore(partial: Survey) -> None:
    pass


def surveyed(paths: list[Path], reading: Reading | None = None) -> Survey:
    reading = reading or Reading()
    found = find_sources([str(path) for path in paths], encoding=reading.encoding)
    return survey_sources(found, reading, on_progress=ignore, check_cancelled=never_cancelled)


@given(texts=st.lists(TRICKY, min_size=1, max_size=3), piece=st.integers(1, 7))
def test_it_agrees_with_reading_the_whole(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], piece: int
) -> None:
    folder = tmp_path_factory.mktemp("texts")
    paths = [folder / f"{number}.txt" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_bytes(b"x" + text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "PIECE", piece)
        found = surveyed(paths)
    corpus = read_corpus([str(path) for path in paths])
    expected = inspect_corpus(corpus)
    assert replace(found, bytes_total=0, consumed=0) == replace(
        expected.survey, bytes_total=0, consumed=0
    )
    assert found.characters == len(corpus.text)
    assert list(found.occurrences) == sorted(set(corpus.text))
    assert found.only_after(expected.training_characters) == expected.heldout_only
    assert found.is_whole


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_a_byte_order_mark_tells_the_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes("가나다 abc\n".encode(encoding))
    found = surveyed([path])
    assert (found.characters, found.report.bom) == (8, True)
    assert set("".join(found.occurrences)) == set("가나다 abc\n")


def test_another_encoding_is_read(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes("가나다 abc\n".encode("cp949"))
    found = surveyed([path], Reading(encoding="cp949"))
    assert (found.characters, found.report.encoding) == (8, "cp949")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"\xef\xbb\xbf", "it is empty"),
        (b"abc\0def", "byte 3 is zero"),
        (b"abc\xff\n", "byte 3 .0xff, line 1. cannot"),
        (b"abc\xe3", "cannot be decoded"),
    ],
)
def test_what_is_no_text_is_told_as_reading_tells_it(
    tmp_path: Path, data: bytes, reason: str
) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(data)
    with pytest.raises(CorpusError, match=reason):
        surveyed([path])


def test_it_tells_how_far_it_is(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("".join(itertools.islice(itertools.cycle("abcdef \n"), 3_000_000)))
    told: list[Survey] = []
    found = find_sources([str(path)], encoding="utf-8")
    whole = survey_sources(
        found, Reading(), on_progress=told.append, check_cancelled=never_cancelled
    )
    assert told[0].report.bytes == 1 << 20
    assert not told[0].is_whole
    assert told[0].bytes_total == whole.characters == 3_000_000


def test_of_a_large_text_the_first_part_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / "1.txt", tmp_path / "2.txt"]
    for path in paths:
        path.write_text("to be " * 100_000, encoding="utf-8")
    sources = find_sources([str(path) for path in paths], encoding="utf-8")
    monkeypatch.setattr(inspection, "SURVEYED_BYTES", 300_000)
    found = survey_sources(sources, Reading(), on_progress=ignore, check_cancelled=never_cancelled)
    assert found.is_part
    assert not found.is_whole
    assert 300_000 <= found.consumed < 600_000
    assert (found.bytes_total, found.report.files) == (1_200_000, 2)
    assert found.expected_characters == pytest.approx(1_200_000, rel=0.001)
    monkeypatch.undo()
    whole = survey_sources(sources, Reading(), on_progress=ignore, check_cancelled=never_cancelled)
    assert (whole.is_part, whole.expected_characters) == (False, 1_200_001)


def test_a_text_that_was_read_before_is_known_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes("\ufeffe\u0301t\u200be\r\n".encode() + "사느냐 not\n".encode() * 30_000)
    expected = surveyed([path])
    monkeypatch.setattr(numbering, "KEPT_IN_MEMORY", 1_000)
    read_corpus([str(path)])
    sources = find_sources([str(path)], encoding="utf-8")
    monkeypatch.setattr(inspection, "SURVEYED_BYTES", 10)
    found = survey_sources(sources, Reading(), on_progress=ignore, check_cancelled=never_cancelled)
    assert found.is_whole
    assert found == expected


def test_it_can_be_given_up_at_any_piece(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("to be " * 100_000, encoding="utf-8")
    calls: list[int] = []

    def give_up_at_the_third() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    found = find_sources([str(path)], encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):
        survey_sources(found, Reading(), on_progress=ignore, check_cancelled=give_up_at_the_third)
    assert len(calls) == 3
