"""Bits of a text: against single steps, with one stream and several, and unknown characters."""

import threading
import unicodedata

import numpy as np
import pytest

from tests.support.tiny_model import TINY_VOCABULARY, tiny_config, tiny_model
from tui_charrnn.errors import ModelFileError
from tui_charrnn.generation import scoring
from tui_charrnn.generation.lstm import Stepper, fold_embedding
from tui_charrnn.generation.scoring import TextScorer
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import Indices


def random_text(length: int, characters: str = TINY_VOCABULARY) -> str:
    rng = np.random.default_rng(0)
    return "".join(rng.choice(list(characters), length))


def bits_by_hand(model: Model, text: str) -> list[float]:
    """The definition: each character under the softmax after those before, a newline at first."""
    stepper = Stepper(fold_embedding(model))
    numbers = {character: index for index, character in enumerate(model.vocabulary.characters)}
    bits, last = [], numbers["\n"]
    for character in text:
        logits = stepper.read(last).astype(np.float64)
        last = numbers[character]
        bits.append(float(np.log2(np.exp(logits).sum()) - logits[last] / np.log(2)))
    return bits


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("layers", [1, 2])
def test_one_stream_is_exact(cell: str, layers: int) -> None:
    model = tiny_model(cell=cell, layer_count=layers)
    text = random_text(100)

    found = TextScorer(model, streams=1).score(text)

    np.testing.assert_allclose(found, bits_by_hand(model, text), atol=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_several_streams_find_the_same_where_the_model_forgets_in_time(
    cell: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "_SHORTEST_SEGMENT", 300)
    model = tiny_model(config=tiny_config(cell=cell, layer_count=2))
    scorer, text = TextScorer(model, streams=8, threads=threads), random_text(3001)

    found = np.concatenate([scorer.score(text[:2987]), scorer.score(text[2987:])])

    np.testing.assert_allclose(found, bits_by_hand(model, text), atol=1e-5)


def test_an_interrupt_does_not_wait_for_the_other_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "_SHORTEST_SEGMENT", 300)
    scorer, whole = TextScorer(tiny_model(), streams=8, threads=2), Stepper.read_each
    steps = []

    def read(stepper: Stepper, characters: Indices) -> None:
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        steps.append(characters)
        assert scorer._reader.cancelled.wait(60)
        whole(stepper, characters)

    monkeypatch.setattr(Stepper, "read_each", read)
    with pytest.raises(KeyboardInterrupt):
        scorer.score(random_text(3000))
    assert len(steps) <= 1


def test_streams_are_not_warmed_up_by_what_they_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first stream continues from the previous block."""
    monkeypatch.setattr(scoring, "_SHORTEST_SEGMENT", 300)
    model, text = tiny_model(), random_text(2501)
    split = 1250
    one, several = TextScorer(model, streams=1), TextScorer(model, streams=4)
    for scorer in (one, several):
        scorer.score("j" * 40 + text[:split])

    first = several.score(text[split:])[:5]

    np.testing.assert_allclose(first, one.score(text[split:])[:5], atol=1e-6)


def test_a_short_text_is_read_by_one_stream_whatever_was_asked_for() -> None:
    model, text = tiny_model(), random_text(200)

    found = TextScorer(model, streams=64).score(text)

    np.testing.assert_array_equal(found, TextScorer(model, streams=1).score(text))


def test_blocks_make_no_difference_to_one_stream() -> None:
    model, text = tiny_model(), random_text(97)
    whole, parts = TextScorer(model, streams=1), TextScorer(model, streams=1)

    pieces = [parts.score(text[first : first + 10]) for first in range(0, len(text), 10)]

    np.testing.assert_allclose(np.concatenate(pieces), whole.score(text), atol=1e-6)


def test_a_new_text_begins_from_nothing() -> None:
    scorer = TextScorer(tiny_model())
    first = scorer.score("bad cab")
    scorer.begin()

    np.testing.assert_array_equal(scorer.score("bad cab"), first)


def test_unknown_characters_are_passed_over() -> None:
    scorer, other = TextScorer(tiny_model()), TextScorer(tiny_model())

    found = scorer.score("aΩb한\U0001f600c")

    assert np.isnan(found).tolist() == [False, True, False, True, True, False]
    np.testing.assert_array_equal(found[[0, 2, 5]], other.score("abc"))


def test_a_text_of_unknown_characters_has_no_bits() -> None:
    scorer = TextScorer(tiny_model())

    assert np.isnan(scorer.score("ΩΩ")).all()
    assert scorer.score("").shape == (0,)


def test_a_character_that_is_known_in_parts_costs_what_they_cost() -> None:
    vocabulary = "\nae\N{COMBINING ACUTE ACCENT}" + unicodedata.normalize("NFD", "한")
    scorer, other = (TextScorer(tiny_model(vocabulary=vocabulary)) for _ in range(2))

    found = scorer.score("aé한Ωe")

    parts = other.score(unicodedata.normalize("NFD", "aé한e"))
    expected = [parts[0], parts[1:3].sum(), parts[3:6].sum(), np.nan, parts[6]]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_vocabulary_without_a_newline_starts_as_generation_does() -> None:
    model = tiny_model(vocabulary="xyz")
    stepper = Stepper(fold_embedding(model))
    logits = stepper.read(0).astype(np.float64)

    found = TextScorer(model).score("y")

    assert found[0] == pytest.approx(np.log2(np.exp(logits).sum()) - logits[1] / np.log(2))


def test_scores_that_are_not_finite_are_refused() -> None:
    model = tiny_model()
    model.weights.output_bias[:] = np.inf

    with pytest.raises(ModelFileError, match="not finite"):
        TextScorer(model).score("abc")
