"""Aggregated bits: totals, ranks, lines and the most surprising passages."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.tiny_model import tiny_model
from tui_charrnn.generation.text_scores import (
    PASSAGE,
    UNKNOWN_BITS,
    LineScore,
    ModelScorer,
    Passage,
    ScoreTotal,
    SurprisingPassages,
    line_scores,
    ranked,
    score_text,
)

NAN = math.nan


def lines_of(blocks: list[str], bits: list[float]) -> list[LineScore]:
    starts = itertools.accumulate(map(len, blocks), initial=0)
    scored = (
        (block, {"m": np.array(bits[start : start + len(block)])})
        for block, start in zip(blocks, starts, strict=False)
    )
    return list(line_scores(scored))


def passages_of(blocks: list[str], bits: np.ndarray, count: int) -> list[Passage]:
    passages, start = SurprisingPassages(count), 0
    for block in blocks:
        passages.add(block, bits[start : start + len(block)])
        start += len(block)
    return passages.end()


def test_a_total_is_of_the_known_characters() -> None:
    total = ScoreTotal()
    total.add(np.array([1.0, NAN, 2.0]))
    total.add(np.array([3.0]))

    assert (total.characters, total.unknown, total.bits) == (3, 1, 6.0)
    assert total.bits_per_character == 2.0
    assert total.perplexity == pytest.approx(4.0)


def test_nothing_scored_has_no_mean() -> None:
    total = ScoreTotal()
    total.add(np.array([NAN]))

    assert (total.bits_per_character, total.perplexity) == (None, None)
    assert total.comparable_bits == UNKNOWN_BITS


def test_a_model_does_not_win_by_what_it_does_not_know() -> None:
    knows_all, knows_little = ScoreTotal(3, 0, 9.0), ScoreTotal(1, 2, 0.5)

    assert ranked({"little": knows_little, "all": knows_all}) == ["all", "little"]


def test_equal_models_stay_in_their_order() -> None:
    assert ranked({"b": ScoreTotal(1, 0, 1.0), "a": ScoreTotal(1, 0, 1.0)}) == ["b", "a"]


def test_a_line_costs_what_its_characters_cost_and_its_end() -> None:
    found = lines_of(["ab\nc", "\n\nd"], [1, 2, 4, 8, 16, 32, 64])

    assert [(line.number, line.text, line.totals["m"].bits) for line in found] == [
        (1, "ab", 7),
        (2, "c", 24),
        (3, "", 32),
        (4, "d", 64),
    ]


def test_a_text_that_ends_its_last_line_has_no_line_after_it() -> None:
    assert [line.number for line in lines_of(["a\n"], [1, 1])] == [1]


def test_of_a_very_long_line_the_beginning_is_kept() -> None:
    (line,) = lines_of(["x" * 700, "y" * 700], [1.0] * 1400)

    assert line.text == "x" * 700 + "y" * 300
    assert line.totals["m"].characters == 1400


@given(st.text(st.sampled_from("ab\n"), max_size=60), st.integers(1, 20))
def test_lines_do_not_depend_on_blocks(text: str, size: int) -> None:
    bits = [float(place) for place in range(len(text))]
    blocks = [text[first : first + size] for first in range(0, len(text), size)]

    assert lines_of(blocks, bits) == lines_of([text], bits)


def test_the_mean_of_a_passage_leaves_out_unknown_characters() -> None:
    bits = np.full(3 * PASSAGE, NAN)
    bits[PASSAGE : PASSAGE + 10] = 4.0

    (found,) = passages_of(["x" * len(bits)], bits, 5)

    assert (found.bits, found.bits_per_character) == (40.0, 4.0)


def test_passages_are_found_where_the_bits_are() -> None:
    text = "".join(f"line {number}\n" for number in range(100))
    bits = np.ones(len(text))
    bits[300 : 300 + PASSAGE] = 5.0
    bits[600 : 600 + PASSAGE] = 7.0

    first, second = passages_of([text], bits, 2)

    assert (first.offset, first.bits_per_character) == (600, 7.0)
    assert (second.offset, second.bits_per_character) == (300, 5.0)
    assert first.text == text[600 : 600 + PASSAGE]
    before = text[:600]
    assert first.line == before.count("\n") + 1
    assert first.column == 600 - before.rfind("\n")


def test_a_short_text_is_one_passage() -> None:
    (passage,) = passages_of(["a\nb"], np.array([1.0, NAN, 2.0]), 3)

    assert passage == Passage(3.0, 1.5, 0, 1, 1, "a\nb")
    assert passages_of([], np.zeros(0), 3) == []


def test_the_end_of_a_text_is_no_shorter_passage() -> None:
    bits = np.zeros(2 * PASSAGE - 1)
    bits[-1] = 1.0

    (passage,) = passages_of(["a"] * len(bits), bits, 1)

    assert (passage.offset, passage.bits_per_character) == (PASSAGE - 1, 1 / PASSAGE)


@given(st.integers(0, 400), st.integers(1, 90), st.integers(1, 6), st.integers(0, 2**32 - 1))
@example(79, 1, 1, 1)  # the last 39 characters have more bits each than any whole passage
def test_passages_do_not_overlap_nor_depend_on_blocks(
    length: int, size: int, count: int, rng_seed: int
) -> None:
    rng = np.random.default_rng(rng_seed)
    text = "".join(rng.choice(list("ab\n"), length)) if length else ""
    bits = rng.integers(0, 9, length).astype(np.float64)  # whole, so that sums are exact
    blocks = [text[first : first + size] for first in range(0, length, size)]

    found = passages_of(blocks, bits, count)

    assert found == passages_of([text], bits, count)
    offsets = sorted(passage.offset for passage in found)
    assert all(later - earlier >= PASSAGE for earlier, later in itertools.pairwise(offsets))
    if length > PASSAGE:
        sums = np.convolve(bits, np.ones(PASSAGE), "valid")
        assert found[0].bits_per_character == sums.max() / PASSAGE
        assert len(found) <= count


def test_a_text_is_scored_by_all_models_in_one_reading() -> None:
    scorers = {
        "one": ModelScorer(tiny_model(), top=1),
        "two": ModelScorer(tiny_model(vocabulary="\nxyz", rng_seed=1)),
    }
    lines: list[LineScore] = []
    blocks = iter(["bad Ω\n", "cab"])

    found = score_text(blocks, scorers, on_line=lines.append)

    assert list(found) == ["one", "two"]
    assert (found["one"].total.characters, found["one"].unknown) == (8, {"Ω": 1})
    assert found["two"].total.characters == 1
    assert [line.totals["one"].characters for line in lines] == [5, 3]
    assert found["one"].passages[0].text == "bad Ω\ncab"
    again = score_text(["bad Ω\ncab"], {"one": scorers["one"]})
    assert again["one"].total.bits == pytest.approx(found["one"].total.bits)
