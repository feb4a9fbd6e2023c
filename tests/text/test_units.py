"""A text in jamo is the same text, and its losses are per character."""

import io
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from tui_charrnn.errors import CorpusError
from tui_charrnn.hangul import split_syllables
from tui_charrnn.text.corpus import Reading
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.text.inspection import inspect_corpus, jamo_sentence

JAMO = Reading(units="jamo")
TEXT = "푸른 하늘에 값진 닭이 떠있다. é ㅋㅋ\n" * 30


def test_a_text_is_read_in_jamo_and_kept_apart_in_the_cache(tmp_path: Path) -> None:
    path = tmp_path / "하늘.txt"
    path.write_text(unicodedata.normalize("NFD", TEXT), encoding="utf-8")
    whole, cut = read_corpus([str(path)]), read_corpus([str(path)], JAMO)
    assert whole.text == TEXT
    assert cut.text == split_syllables(TEXT)
    assert whole.sha256 != cut.sha256
    assert read_corpus([str(path)]).text == TEXT


def test_what_would_not_come_back_is_refused() -> None:
    kept = Reading(units="jamo", compose=False)
    accents = read_corpus(["-"], kept, stdin=io.BytesIO("e\u0301 é".encode()))
    assert accents.text == "e\u0301 é"
    with pytest.raises(CorpusError, match="U\\+1100 U\\+1161"):
        read_corpus(["-"], kept, stdin=io.BytesIO("가 \u1100\u1161".encode()))


def test_units_a_character_are_counted_from_a_place_on() -> None:
    corpus = read_corpus(["-"], JAMO, stdin=io.BytesIO("가나다\n각낙닥".encode()))
    assert corpus.units_per_character(0) == 16 / 7
    assert corpus.units_per_character(7) == 3
    assert read_corpus(["-"], stdin=io.BytesIO(b"abc")).units_per_character(0) == 1


def test_counting_is_told_per_character_and_jamo_are_not_suspicious() -> None:
    corpus = read_corpus(["-"], JAMO, stdin=io.BytesIO(TEXT.encode()))
    found = inspect_corpus(corpus)
    assert not found.survey.suspicious
    assert found.baselines is not None
    uniform = np.log(len(found.vocabulary)) * corpus.units_per_character(found.training_characters)
    assert found.baselines.losses[0] == pytest.approx(uniform)


def test_of_a_korean_text_it_is_told_what_jamo_would_change(tmp_path: Path) -> None:
    syllables = "".join(map(chr, range(ord("가"), ord("가") + 300)))
    (tmp_path / "text").write_text(3 * syllables, encoding="utf-8")
    whole = inspect_corpus(read_corpus([str(tmp_path / "text")]))
    cut = inspect_corpus(read_corpus([str(tmp_path / "text")], JAMO))
    sentence = jamo_sentence(whole.survey.occurrences, "--units jamo")
    assert (
        f"{len(cut.vocabulary)} letters and signs instead of {len(whole.vocabulary)} " in sentence
    )
    assert jamo_sentence(cut.survey.occurrences, "--units jamo") == ""
    mostly_latin = inspect_corpus(read_corpus(["-"], stdin=io.BytesIO("abc def 한 ".encode() * 9)))
    assert jamo_sentence(mostly_latin.survey.occurrences, "--units jamo") == ""


def test_jamo_are_not_offered_where_they_are_no_fewer() -> None:
    assert jamo_sentence({"가": 9, "나": 9, "달": 9}, "--units jamo") == ""
