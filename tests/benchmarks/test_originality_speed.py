"""The figures of originality: texts, peers, tables, and one real measurement of small texts."""

import itertools
from pathlib import Path

import pytest

from benchmarks.command_line import measure_in_child
from benchmarks.originality.building import CONTENDERS, grams_of
from benchmarks.originality.following import searched_lengths
from benchmarks.originality.texts import resample
from benchmarks.originality_speed import (
    building_report,
    corpora,
    following_report,
)
from tui_charrnn.errors import RunError
from tui_charrnn.text.originality import PassageMatcher
from tui_charrnn.text.suffix_index import SuffixIndex

BASE = "to be, or not to be: that is the question.\nwhether 'tis nobler in the mind to suffer\n" * 3


def test_a_resampled_text_goes_on_as_its_base_does() -> None:
    text = resample(BASE, 2_000)
    assert len(text) == 2_000
    pairs = {BASE[place : place + 2] for place in range(len(BASE))} | {BASE[-1] + BASE[0]}
    assert {first + second for first, second in itertools.pairwise(text)} <= pairs


def test_the_choices_of_a_resampled_text_are_those_of_its_seed() -> None:
    base = "".join(f"the same {ending} and " for ending in ("end", "way", "day", "man")) * 5
    assert resample(base, 2_000) == resample(base, 2_000)
    assert resample(base, 2_000) != resample(base, 2_000, rng_seed=1)


def test_the_corpora_are_the_base_and_what_is_made_of_it() -> None:
    made = dict(corpora(BASE, [1]))
    assert list(map(len, made.values())) == [len(BASE), 1_000_000, 1_000_000]
    last = list(made.values())[-1]
    assert last[:500_000] == last[500_000:]


def test_all_contenders_find_the_same() -> None:
    said = "the question of the mind? to be, or not to be: that is nobler"
    matcher = PassageMatcher(SuffixIndex.of(BASE))
    lengths = searched_lengths(BASE, said)
    grams = grams_of(BASE)
    assert lengths == [matcher.add(character).length for character in said]
    for end, length in enumerate(lengths, 1):
        if end >= 20:
            assert (said[end - 20 : end] in grams) is (length >= 20)


def test_the_tables_say_what_was_met() -> None:
    ours = [{"seconds": 3.0, "core_seconds": 2.5, "megabytes": 250.0}] * 2
    theirs = [{"seconds": 1.0, "core_seconds": 40.0, "megabytes": 900.0}]
    table = building_report({"text": {"index": ours, "set of 20-grams": theirs}}).splitlines()
    assert [cell.strip() for cell in table[2].split("|")[2:-1]] == [
        "index",
        "3.00 (3.00 to 3.00)",
        "2.50 met",
        "250 met",
    ]
    assert "met" not in table[3]
    assert "missed" not in table[3]

    rates = {"generating": [10.0, 20.0], "generating and index": [4.0, 8.0]}
    assert following_report({"text": rates}).splitlines()[-1].split("|")[-2].strip() == (
        "0.40 missed"
    )


def test_every_contender_is_measured(tmp_path: Path) -> None:
    corpus, said = tmp_path / "corpus.txt", tmp_path / "said.txt"
    corpus.write_text(BASE, encoding="utf-8")
    said.write_text(BASE[20:90], encoding="utf-8")

    for contender in CONTENDERS:
        told = measure_in_child("originality.building", contender, corpus)
        assert set(told) == {"seconds", "core_seconds", "megabytes"}
        assert told["megabytes"] > 1
    rates = measure_in_child("originality.following", corpus, said, 2)

    assert {len(each) for each in rates.values()} == {2}
    assert all(rate > 0 for each in rates.values() for rate in each)


def test_a_part_that_fails_is_said_to() -> None:
    with pytest.raises(RunError, match="building could not measure"):
        measure_in_child("originality.building", "index", "there is no such file")
