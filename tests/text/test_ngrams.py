"""The baselines agree with a naive count and with known values."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.errors import CorpusError
from tui_charrnn.text.corpus import split_point
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.text.ngrams import HIGHEST_ORDER, Baselines, measure_baselines
from tui_charrnn.text.vocabulary import choose_vocabulary

TINY_SHAKESPEARE = Path(__file__).parents[2].parent / "shared" / "data" / "tinyshakespeare.txt"


def naive_losses(
    training: Sequence[int], heldout: Sequence[int], size: int, highest_order: int
) -> list[float]:
    """The definition, with dictionaries and recursion."""
    counts: defaultdict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    for order in range(1, highest_order + 1):
        for place in range(order - 1, len(training)):
            counts[tuple(training[place - order + 1 : place])][training[place]] += 1

    def probability(character: int, context: tuple[int, ...], order: int) -> float:
        if order == 0:
            return 1 / size
        below = probability(character, context[1:], order - 1)
        followers = counts.get(context)
        if not followers:
            return below
        distinct = len(followers)
        return (followers[character] + distinct * below) / (followers.total() + distinct)

    text = [*training, *heldout]
    losses = []
    for order in range(highest_order + 1):
        total = 0.0
        for place in range(len(training), len(text)):
            known = min(order, place + 1)  # a context cannot begin before the text
            context = tuple(text[max(0, place - known + 1) : place]) if known else ()
            total -= math.log(probability(text[place], context, known))
        losses.append(total / len(heldout))
    return losses


texts = st.lists(st.integers(0, 3), min_size=1, max_size=40)


@given(texts, texts)
def test_agrees_with_a_naive_count(training: list[int], heldout: list[int]) -> None:
    found = measure_baselines(np.array(training), np.array(heldout), 5)
    expected = naive_losses(training, heldout, 5, HIGHEST_ORDER)
    assert found.losses == pytest.approx(expected[: len(found.losses)], rel=1e-12)


@given(texts, texts)
def test_stops_after_two_orders_in_a_row_that_are_no_better(
    training: list[int], heldout: list[int]
) -> None:
    found = measure_baselines(np.array(training), np.array(heldout), 5)
    best = found.losses.index(min(found.losses))
    assert len(found.losses) == HIGHEST_ORDER + 1 or len(found.losses) == best + 3
    assert found.best_order == best


def test_large_vocabularies_do_not_overflow() -> None:
    rng = np.random.default_rng(11)
    text = rng.integers(0, 1_114_112, 3_000)
    training, heldout = text, text[:500]
    found = measure_baselines(training, heldout, 1_114_112)
    expected = naive_losses(training.tolist(), heldout.tolist(), 1_114_112, 5)
    assert found.losses[:6] == pytest.approx(expected, rel=1e-9)


def test_int32_indices_are_enough() -> None:
    text = np.tile(np.arange(50_000, dtype=np.int32), 2)
    assert measure_baselines(text[:90_000], text[90_000:], 50_000).losses[2] < 12


def test_a_long_text_is_counted_nearest_to_what_is_held_out() -> None:
    rng = np.random.default_rng(7)
    training, heldout = rng.integers(0, 5, 400), rng.integers(0, 5, 300)
    found = measure_baselines(training, heldout, 5, limits=(150, 60))
    assert found.losses == measure_baselines(training[-150:], heldout[:60], 5).losses
    assert (found.training_characters, found.heldout_characters) == (150, 60)


@pytest.mark.parametrize(("training", "heldout"), [(0, 3), (3, 0)])
def test_nothing_to_count_or_to_score_is_refused(training: int, heldout: int) -> None:
    with pytest.raises(CorpusError, match=f"{training} and {heldout} characters"):
        measure_baselines(np.zeros(training, np.int32), np.zeros(heldout, np.int32), 2)


def test_the_best_order_has_the_lowest_loss() -> None:
    assert Baselines((0, 1, 2, 3), (4.0, 3.0, 2.0, 2.5), 9, 1).best_order == 2


@pytest.mark.skipif(not TINY_SHAKESPEARE.exists(), reason="tiny Shakespeare is not beside the tree")
def test_known_ladder_of_tiny_shakespeare() -> None:
    corpus = read_corpus([str(TINY_SHAKESPEARE)])
    vocabulary = choose_vocabulary(Counter(corpus.text))
    indices = vocabulary.encode(corpus.text)
    split = split_point(len(indices), 0.1)
    found = measure_baselines(indices[:split], indices[split:], len(vocabulary))
    known = [4.174, 3.347, 2.486, 2.049, 1.774, 1.669, 1.698, 1.779]
    assert found.losses == pytest.approx(known, abs=0.002)
    assert found.best_order == 5
