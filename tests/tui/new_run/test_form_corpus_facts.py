"""The facts that the form shows about a corpus."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.form_app import idle_task
from tui_charrnn.config import TrainingConfig
from tui_charrnn.presets import PRESETS
from tui_charrnn.text import inspection as survey
from tui_charrnn.text.corpus import Reading
from tui_charrnn.tui.background import CancelledError
from tui_charrnn.tui.new_run import corpus
from tui_charrnn.tui.new_run.corpus import (
    CorpusFacts,
    FactLine,
    fact_lines,
    format_facts,
    format_shortness,
    repetitions_of,
    survey_choice,
)
from tui_charrnn.tui.new_run.form_values import CorpusChoice, listed_corpus

TINY = PRESETS["tiny"].training


def facts_of(choice: CorpusChoice | Path) -> CorpusFacts:
    reported: list[CorpusFacts] = []
    if isinstance(choice, Path):
        choice = CorpusChoice((str(choice),))
    survey_choice(choice, reported.append, idle_task())
    return reported[-1]


def texts_of(facts: CorpusFacts, training: TrainingConfig) -> list[str]:
    return [line.text for line in fact_lines(facts, training)]


def written(folder: Path, text: str | bytes, name: str = "text.txt") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_size_characters_lines_and_split(tmp_path: Path) -> None:
    facts = facts_of(written(tmp_path, "to be, or not to be\n" * 1000))
    assert facts.is_known
    assert texts_of(facts, TINY) == [
        "20 kB of utf-8: 20,000 characters, 9 different, 1,000 lines",
        "18,000 to train on; the last 2,000 held out",
    ]
    assert format_shortness(facts, TINY) == ""


def test_one_line_is_counted_in_the_singular(tmp_path: Path) -> None:
    facts = facts_of(written(tmp_path, "to be, or not to be\n"))
    assert fact_lines(facts, TINY)[0].text.endswith(" different, 1 line")


def test_records_are_counted_as_they_will_be_trained_on(tmp_path: Path) -> None:
    path = written(tmp_path, "\nAnna\nBob\n\nCarl\n" * 200)
    facts = facts_of(CorpusChoice((str(path),), reading=Reading(records="line")))
    training = replace(TINY, records="line")
    assert texts_of(facts, training) == [
        "3.2 kB of utf-8: 2,801 characters, 10 different, 600 records",
        "10 %, drawn at random, held out",
    ]
    assert format_shortness(facts, training) == ""
    one = written(tmp_path, "Anna\n", "one.txt")
    facts = facts_of(CorpusChoice((str(one),), reading=Reading(records="line")))
    assert "At least 2 records" in format_shortness(facts, training)


def test_jamo_are_counted_as_jamo(tmp_path: Path) -> None:
    path = written(tmp_path, "한글" * 500)
    facts = facts_of(CorpusChoice((str(path),), reading=Reading(units="jamo")))
    line = fact_lines(facts, replace(TINY, units="jamo"))[0].text
    assert line == "3 kB of utf-8: 3,000 jamo, 6 different, 1 line"


def test_a_korean_text_shows_what_jamo_would_change(tmp_path: Path) -> None:
    facts = facts_of(written(tmp_path, "".join(map(chr, range(ord("가"), ord("힣"), 99))) * 100))
    assert any("jamo" in line.text for line in fact_lines(facts, TINY))


def test_suspicious_content_is_shown(tmp_path: Path) -> None:
    text = "\ufeffe\u0301t\u200be\r\n" + "to be, or not to be\n" * 1000 + "q\x1b"
    lines = fact_lines(facts_of(written(tmp_path, text)), TINY)
    parts = lines[2].text.split("; ")
    assert parts[0].startswith("byte order mark")
    assert [part.split()[-1] for part in parts[1:]] == ["1", "1"]  # a line end, a character
    assert "U+001B once (control character)" in lines[3].text
    assert "U+200B once" in lines[3].text
    assert lines[4].text.startswith("held out, missing from the training part: ")
    assert [line.is_warning for line in lines] == [False, False, False, True, True]
    assert "\x1b" not in format_facts(lines).plain


@pytest.mark.parametrize(
    ("text", "reason"),
    [("abc", "too short"), ("a" * 10_000, "only one distinct character")],
)
def test_a_text_that_cannot_be_trained_on_is_reported(
    tmp_path: Path, text: str, reason: str
) -> None:
    assert reason in format_shortness(facts_of(written(tmp_path, text)), TINY)


def test_a_short_text_means_fewer_streams(tmp_path: Path) -> None:
    lines = fact_lines(facts_of(written(tmp_path, "to be, or not to be\n" * 20)), TINY)
    assert lines[-1] == ("short: 5 parallel streams instead of 32", True)


def test_warnings_are_told_by_their_field() -> None:
    shown = format_facts([FactLine("! a text"), FactLine("short", is_warning=True)])
    assert shown.plain == "! a text\n! short"
    assert [(span.start, span.end, span.style) for span in shown.spans] == [
        (9, 16, "$text-warning")
    ]


def test_a_folder_is_surveyed(tmp_path: Path) -> None:
    written(tmp_path, "to be\n" * 1000, "a.txt")
    written(tmp_path, "or not\n" * 1000, "b.txt")
    written(tmp_path, b"\0\1", "c.bin")
    lines = texts_of(facts_of(tmp_path), TINY)
    assert lines[0].startswith("13 kB of utf-8 in 2 files: 13,000 characters")
    assert "binary or empty files skipped: 1" in lines


def test_a_folder_of_very_many_files_is_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus, "MOST_FILES", 3)
    for number in range(4):
        written(tmp_path, "to be\n", f"{number}.txt")
    facts = facts_of(tmp_path)
    sentence = "There are more than 3 files: read when training starts."
    assert fact_lines(facts, TINY) == [(sentence, False)]


def test_a_large_text_is_surveyed_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "SURVEYED_BYTES", 100_000)
    facts = facts_of(written(tmp_path, "to be, or not to be\n" * 100_000))
    size, count = texts_of(facts, TINY)
    assert size.startswith("2 MB of utf-8, of which the first 262 kB were read: 9 ")
    assert count.startswith("about 2 million characters, 1.8 million to train on")
    assert format_shortness(facts, TINY) == ""


def test_rare_characters_that_become_one_symbol_are_counted(tmp_path: Path) -> None:
    facts = facts_of(written(tmp_path, "éü" + "to be, or not to be\n" * 1000))
    folding = TrainingConfig.from_mapping(TINY.to_mapping() | {"min_count": 2})
    assert "2 rare characters become one unknown symbol: 10 symbols" in texts_of(facts, folding)
    hopeless = TrainingConfig.from_mapping(TINY.to_mapping() | {"min_count": 10**6})
    assert "No character would be left" in format_shortness(facts, hopeless)


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    facts = facts_of(tmp_path / "pipe")
    assert (facts.survey, facts.characters) == (None, None)
    assert "read once" in facts.postponed


def test_nothing_is_downloaded_or_generated() -> None:
    shakespeare = facts_of(listed_corpus("shakespeare"))
    assert shakespeare.postponed == (
        "Downloaded when training starts: about 1.12 MB from storage.googleapis.com."
    )
    assert shakespeare.characters == 1_115_394
    assert "Made on this machine" in facts_of(listed_corpus("pydoc")).postponed


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.txt", "There is no file or folder"),
        ("/dev/null", "it is a device, not a file"),
        ("latin.txt", "is not valid utf-8: byte 1"),
        ("-", "Standard input cannot be read here"),
    ],
)
def test_a_path_that_cannot_be_used_is_reported(tmp_path: Path, name: str, reason: str) -> None:
    written(tmp_path, "nà".encode("latin-1"), "latin.txt")
    argument = name if name == "-" else str(tmp_path / name)
    assert reason in facts_of(CorpusChoice((argument,))).problem


def test_a_problem_names_the_field_of_the_form(tmp_path: Path) -> None:
    problem = facts_of(written(tmp_path, "nà".encode("latin-1"))).problem
    assert "Choose its encoding: cp1252" in problem
    assert "--" not in problem


def test_a_cancelled_survey_reports_nothing(tmp_path: Path) -> None:
    path, reported = written(tmp_path, "to be\n" * 1000), list[CorpusFacts]()
    task = idle_task()
    task.cancel()
    with pytest.raises(CancelledError):
        survey_choice(CorpusChoice((str(path),)), reported.append, task)
    assert reported == []


def test_repeated_text_is_reported(tmp_path: Path) -> None:
    lines = [f"this is line number {number} of the text" for number in range(300)]
    for name in ("one.txt", "two.txt"):
        written(tmp_path, "\n".join(lines), name)
    choice = CorpusChoice((str(tmp_path),))
    warnings = repetitions_of(choice, 0.1, idle_task())
    assert warnings[0].startswith("100 % of the held-out text, in passages of 50 characters")
    assert warnings[1].startswith("one.txt and two.txt are nearly the same: 100 %")
    facts = replace(facts_of(choice), warnings=warnings)
    assert fact_lines(facts, TINY)[-2:] == [(sentence, True) for sentence in warnings]
    assert repetitions_of(CorpusChoice((str(tmp_path / "none"),)), 0.1, idle_task()) == ()


def test_a_text_without_repetitions_has_no_warning(tmp_path: Path) -> None:
    text = "\n".join(f"{number**7}" for number in range(3_000))
    choice = CorpusChoice((str(written(tmp_path, text)),))
    assert repetitions_of(choice, 0.1, idle_task()) == ()


def test_a_list_names_the_setting_for_records(tmp_path: Path) -> None:
    facts = facts_of(written(tmp_path, "Anna\nBerta\nCarla\n" * 50))
    told = [text for text in texts_of(facts, TINY) if "records" in text]
    assert len(told) == 1
    assert "the setting records line learns each" in told[0]
