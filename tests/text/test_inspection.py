"""An inspection finds unintended characters of a text."""

from io import BytesIO

import pytest

from tui_charrnn.text.corpus import Corpus, Reading
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.text.inspection import inspect_corpus, records_sentence, suspicion


def corpus(text: str) -> Corpus:
    reading = Reading(unify_newlines=False, compose=False)
    return read_corpus(["-"], reading, stdin=BytesIO(text.encode()))


@pytest.mark.parametrize(
    ("character", "reason"),
    [
        ("\x1b", "control"),
        ("\x7f", "control"),
        ("\x85", "control"),
        ("\r", "control"),
        ("\u202e", "bidirectional"),
        ("\u2066", "bidirectional"),
        ("\u200f", "bidirectional"),
        ("\ue000", "private use"),
        ("\ufffd", "could not decode"),
        ("\ufeff", "byte order mark"),
        ("\u200b", "invisible"),
        ("\xad", "invisible"),
        ("\u2028", "line separator"),
        ("\xa0", "space"),
        ("\uffff", "not a character"),
        ("\u0301", "combining mark"),
        ("\u1161", "Hangul"),
        ("\u11ab", "Hangul"),
        ("\u212b", "another form"),
    ],
)
def test_a_strange_character_is_suspicious(character: str, reason: str) -> None:
    assert reason in (suspicion(character) or "")


@pytest.mark.parametrize("character", "\n\t aZ9é한あ।ा\u3000\u200c\u200d😀")
def test_an_ordinary_character_is_not(character: str) -> None:
    assert suspicion(character) is None


def test_characters_are_counted_and_placed() -> None:
    found = inspect_corpus(corpus("aab\x1bb\x1ba\n"))
    assert (found.survey.characters, found.survey.lines, found.vocabulary) == (8, 1, "\n\x1bab")
    (escape,) = found.survey.suspicious
    assert (escape.count, escape.first_position, escape.code) == (2, 3, "U+001B")


def test_the_rarest_come_first() -> None:
    found = inspect_corpus(corpus("ccccbbba"))
    rarest = [(item.character, item.count) for item in found.survey.rarest]
    assert rarest == [("a", 1), ("b", 3), ("c", 4)]


def test_characters_that_training_never_sees_are_told() -> None:
    found = inspect_corpus(corpus("a" * 18 + "bz"))
    assert found.heldout_only == "bz"
    assert (found.training_characters, found.heldout_characters) == (18, 2)


def test_an_open_last_line_counts() -> None:
    assert inspect_corpus(corpus("a\nb\nc")).survey.lines == 3


def test_the_baselines_are_those_of_the_split() -> None:
    baselines = inspect_corpus(corpus("ab" * 100)).baselines
    assert baselines is not None
    assert (baselines.training_characters, baselines.heldout_characters) == (180, 20)
    assert min(baselines.losses) < baselines.losses[0]


def test_a_single_character_has_no_baselines() -> None:
    assert inspect_corpus(corpus("a")).baselines is None


def offered(text: str, records: str = "none") -> bool:
    found = inspect_corpus(
        read_corpus(["-"], Reading(records=records), stdin=BytesIO(text.encode()))
    )
    return records_sentence(found.survey, "--records line") != ""


def test_records_are_offered_for_many_short_lines() -> None:
    assert offered("Anna\nBerta\n" * 50)
    assert not offered("Anna\nBerta\n" * 49)
    assert not offered("Anna\nBerta\n" * 50, records="line")
    assert not offered("But soft, what light through\nyonder window breaks?\n" * 50)
