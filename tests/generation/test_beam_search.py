"""Beam search, against exhaustive search and greedy decoding."""

import itertools
import math

import numpy as np
import pytest

from tests.support.markov_model import markov_model, random_transitions
from tests.support.tiny_model import random_tensors, tiny_config, tiny_model
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ModelFileError
from tui_charrnn.generation.sampling import surprise
from tui_charrnn.generation.side_by_side import search_likeliest
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.hangul import FINALS, INITIALS, MEDIALS, is_jamo, join_syllables
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import weights_from_tensors
from tui_charrnn.text.vocabulary import END, Vocabulary


def sharp_model(
    vocabulary: Vocabulary, rng_seed: int = 0, units: str = "characters", cell: str = "lstm"
) -> Model:
    """A random model with preferences, unlike those whose weights are small."""
    config = tiny_config(cell=cell, hidden_size=7)
    tensors = random_tensors(config, len(vocabulary), rng_seed=rng_seed)
    weights = weights_from_tensors({name: 4 * each for name, each in tensors.items()}, config)
    return Model(config, vocabulary, weights, corpus={"units": units}, training={})


def stream_of(model: Model, seed: str = "", **settings: object) -> CharacterStream:
    stream = CharacterStream(model, SamplingConfig.from_mapping(settings))
    stream.prime(seed)
    return stream


def log_probability(model: Model, seed: str, text: str) -> float:
    stream, bits = stream_of(model, seed), 0.0
    for index in model.vocabulary.encode(text).tolist():
        stream.take(index)
        bits += surprise(stream.logits, index)
    return -bits * math.log(2)


@pytest.mark.parametrize("seed", ["", "ca"])
@pytest.mark.parametrize("rng_seed", range(3))
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_with_room_for_all_texts_it_is_the_likeliest_of_all(
    seed: str, rng_seed: int, cell: str
) -> None:
    model = sharp_model(Vocabulary("\nabc"), rng_seed, cell=cell)
    texts = map("".join, itertools.product("\nabc", repeat=4))
    likely = {text: log_probability(model, seed, text) for text in texts}
    found = search_likeliest(stream_of(model, seed), 4, beam=4**4)
    assert found.text == max(likely, key=likely.__getitem__)
    assert found.log_probability == pytest.approx(likely[found.text], abs=1e-4)
    assert not found.is_ended


@pytest.mark.parametrize("rng_seed", range(3))
def test_with_room_for_all_records_it_is_the_likeliest_of_all(rng_seed: int) -> None:
    vocabulary = Vocabulary(f"{END}ab", end_symbol=END)
    model = sharp_model(vocabulary, rng_seed)
    texts = {
        text[: text.index("\n") + 1] if "\n" in text else text
        for text in map("".join, itertools.product("\nab", repeat=4))
    }
    likely = {text: log_probability(model, "", text) for text in texts}
    found = search_likeliest(stream_of(model), 4, beam=3**4)
    assert found.text == max(likely, key=likely.__getitem__)
    assert found.log_probability == pytest.approx(likely[found.text], abs=1e-4)
    assert found.is_ended == found.text.endswith("\n")


@pytest.mark.parametrize(
    "rules", [{}, {"allow": "abdf"}, {"forbid": "ae\n"}, {"line_starts": "cd"}, {"acrostic": "ab"}]
)
def test_a_beam_of_one_is_greedy(rules: dict[str, object]) -> None:
    model = sharp_model(Vocabulary("\n abcdefgh."))
    greedy, text = stream_of(model, "bad\n", temperature=0, **rules), ""
    while len(text) < 200 and not greedy.is_complete:
        text += greedy.next().character
    found = search_likeliest(stream_of(model, "bad\n", **rules), 200, beam=1)
    assert found.text == text
    assert found.is_ended == greedy.is_complete


@pytest.mark.parametrize("rules", [{"allow": "ab"}, {"forbid": "a"}, {"line_starts": "b"}])
def test_what_is_forbidden_is_never_the_likeliest(rules: dict[str, str]) -> None:
    model = sharp_model(Vocabulary("\nabc"), 2)

    def is_allowed(text: str) -> bool:
        lines = text.split("\n")
        return (
            set(text) <= set(rules.get("allow", "\nabc"))
            and not set(text) & set(rules.get("forbid", ""))
            and ("line_starts" not in rules or all(line[:1] in {"", "b"} for line in lines))
            and ("line_starts" not in rules or all(lines[:-1]))
        )

    texts = filter(is_allowed, map("".join, itertools.product("\nabc", repeat=4)))
    likely = {text: log_probability(model, "", text) for text in texts}
    found = search_likeliest(stream_of(model, "", **rules), 4, beam=4**4)
    assert found.text == max(likely, key=likely.__getitem__)
    assert found.log_probability == pytest.approx(likely[found.text], abs=1e-4)


def test_a_wider_beam_sees_what_a_greedy_one_misses() -> None:
    transitions = (
        np.array([
            [0.01, 0.59, 0.40, 0.00],
            [0.25, 0.25, 0.25, 0.25],
            [0.01, 0.01, 0.01, 0.97],
            [0.01, 0.01, 0.01, 0.97],
        ])
        + 1e-9
    )
    model = markov_model(transitions / transitions.sum(axis=1, keepdims=True), "\nabc")
    greedy, wide = (search_likeliest(stream_of(model), 3, beam) for beam in (1, 2))
    assert (greedy.text[0], wide.text) == ("a", "bcc")
    assert wide.log_probability > greedy.log_probability


def test_it_is_the_same_every_time_and_leaves_the_stream_alone() -> None:
    model = markov_model(random_transitions(5))
    stream = stream_of(model, "ab", rng_seed=3)
    before = stream.snapshot()
    found = [search_likeliest(stream, 30, beam=8) for _ in range(2)]
    assert found[0] == found[1]
    np.testing.assert_array_equal(stream.snapshot().network, before.network)
    assert (stream.snapshot().unread, stream.snapshot().drawn) == (before.unread, before.drawn)


def test_a_stop_string_ends_it() -> None:
    found = search_likeliest(stream_of(markov_model(random_transitions(5))), 40, 4, ("a", "bc"))
    assert found.is_ended
    assert found.text.endswith(("a", "bc"))


def test_syllables_are_whole() -> None:
    jamo = "\n ." + "".join(sorted(INITIALS)[:4] + sorted(MEDIALS)[:4] + sorted(FINALS)[:4])
    model = sharp_model(Vocabulary(jamo), units="jamo")
    text = join_syllables(search_likeliest(stream_of(model), 41, beam=6).text)
    assert not any(map(is_jamo, text[:-1]))


def test_the_unknown_symbol_is_never_said() -> None:
    model = sharp_model(Vocabulary("\nab\ufffd", "\ufffd"))
    assert "\ufffd" not in search_likeliest(stream_of(model), 20, beam=5).text


def test_no_length_is_no_text() -> None:
    found = search_likeliest(stream_of(tiny_model()), 0, beam=3)
    assert (found.text, found.log_probability) == ("", 0.0)


def test_scores_that_are_no_numbers_are_refused() -> None:
    model = sharp_model(Vocabulary("\nab"))
    model.weights.output_bias[:] = np.inf
    with pytest.raises(ModelFileError, match="not finite"):
        search_likeliest(stream_of(model), 3, beam=2)
