"""Bidirectional models in NumPy: context, segments, gaps, and where they are rejected."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.naive_steps import NaiveNetwork
from tests.support.tiny_model import TINY_VOCABULARY, random_tensors, tiny_config, tiny_model
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import CharRNNError, ConfigError, ModelFileError
from tui_charrnn.generation import scoring
from tui_charrnn.generation.filling import BothSides, Filler, split_gaps
from tui_charrnn.generation.scoring import TextScorer
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.text_scores import OriginReader
from tui_charrnn.model import header
from tui_charrnn.model.checkpoint import Model, load_model, serialize_model
from tui_charrnn.model.weights import tensors_from_weights, weights_from_tensors
from tui_charrnn.text.vocabulary import Vocabulary

SIZE = len(TINY_VOCABULARY)
TEXT = "a bad cab\nhad a high jig"


def both_model(cell: str = "lstm", layer_count: int = 2) -> Model:
    config = replace(tiny_config(cell=cell, layer_count=layer_count), direction="both")
    weights = weights_from_tensors(random_tensors(config, SIZE, rng_seed=5), config)
    return Model(config, Vocabulary(TINY_VOCABULARY), weights, corpus={}, training={})


def indices(text: str) -> np.ndarray:
    return np.array([TINY_VOCABULARY.index(sign) for sign in text], np.intp)


def naive_nats(model: Model, text: str) -> np.ndarray:
    """Straight from the equations, in float64."""
    config, backward = replace(model.config, direction="forward"), model.weights.backward
    assert backward is not None
    halves = [
        NaiveNetwork(replace(model, config=config, weights=weights))
        for weights in (model.weights, backward)
    ]
    symbols = indices(text)
    tops = [
        [network.read(int(index))[0][-1].hidden for index in read]
        for network, read in zip(halves, ([0, *symbols[:-1]], [*symbols[::-1]]), strict=True)
    ]
    nats = []
    for place, symbol in enumerate(symbols):
        scores = tops[0][place] @ model.weights.output_kernel + model.weights.output_bias
        if place < len(symbols) - 1:
            scores = scores + tops[1][len(symbols) - 2 - place] @ backward.output_kernel
        nats.append(np.log(np.exp(scores).sum()) - scores[symbol])
    return np.array(nats)


@pytest.mark.parametrize("cell", ["lstm", "lstm+norm", "gru", "rnn"])
def test_every_character_is_scored_by_both_sides(cell: str) -> None:
    model = both_model(cell)
    bits = TextScorer(model).score(TEXT)
    np.testing.assert_allclose(bits, naive_nats(model, TEXT) / np.log(2), atol=1e-5)


def test_no_character_explains_itself() -> None:
    reader, scorer = BothSides(both_model()), TextScorer(both_model())
    for place in range(1, len(TEXT) - 1):
        parts = TEXT[:place], TEXT[place + 1 :]
        shares = reader.fill(parts)
        assert sum(shares.values()) == pytest.approx(1)
        for sign in "abc\n":
            nats = scorer.nats(indices(parts[0] + sign + parts[1]))
            assert shares[sign] == pytest.approx(float(np.exp(-nats[place])), rel=1e-4)


def test_parallel_segments_give_the_scores_of_one_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    text = indices("".join(np.random.default_rng(3).choice(list(TINY_VOCABULARY), 700)))
    whole = TextScorer(both_model(layer_count=1)).nats(text)
    monkeypatch.setattr(scoring, "_SHORTEST_SEGMENT", 50)
    monkeypatch.setattr(scoring, "WARM_UP", 90)
    monkeypatch.setattr(scoring, "_MOST_LOGITS", 233 * SIZE)
    for threads in (1, 2):
        reader = TextScorer(both_model(layer_count=1), threads=threads)
        for count in (700, 700, 3 * 233 + 1, 1):  # also the first text after another one
            np.testing.assert_allclose(
                reader.nats(text[:count])[:-1], whole[: count - 1], atol=1e-5
            )


def test_several_gaps_are_drawn_as_often_as_they_are_likely() -> None:
    config = replace(tiny_config(cell="rnn"), direction="both")
    # characters are independent of their context
    tensors = {name: 0 * tensor for name, tensor in random_tensors(config, SIZE).items()}
    tensors["output.bias"][:] = np.linspace(-1, 2, SIZE)
    weights = weights_from_tensors(tensors, config)
    model = Model(config, Vocabulary(TINY_VOCABULARY), weights, corpus={}, training={})
    found = BothSides(model).fill(split_gaps("a_b_c"))
    odds = np.exp(tensors["output.bias"] - tensors["output.bias"].max())
    odds /= odds.sum()
    for fill in ["jj", "ji", "ij"]:
        expected = float(np.prod([odds[TINY_VOCABULARY.index(sign)] for sign in fill]))
        assert found[fill] == pytest.approx(expected, abs=0.02)
    assert BothSides(model).fill(split_gaps("a_b_c")) == found


def test_the_right_side_changes_what_is_filled() -> None:
    reader = BothSides(both_model())
    assert reader.fill(("ba", "cab")) != reader.fill(("ba", "dab"))


@pytest.mark.parametrize(
    "use",
    [
        lambda model: CharacterStream(model, SamplingConfig()),
        Filler,
        lambda model: OriginReader({"one": model, "other": tiny_model()}),
    ],
)
def test_what_writes_or_streams_refuses_it(use: Callable[[Model], object]) -> None:
    with pytest.raises(ModelFileError, match="is bidirectional"):
        use(both_model())


def test_a_model_that_reads_forward_and_one_of_jamo_fill_nothing() -> None:
    with pytest.raises(ModelFileError, match="--direction both"):
        BothSides(tiny_model())
    jamo = replace(both_model(), corpus={"units": "jamo"})
    with pytest.raises(ConfigError, match="jamo"):
        BothSides(jamo).fill(("a", "b"))


def test_a_model_file_says_so_and_an_older_reader_refuses_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, path = both_model("gru"), tmp_path / "model.safetensors"
    tensors = tensors_from_weights(model.weights, model.config)
    path.write_bytes(
        serialize_model(tensors, model.config, model.vocabulary, corpus={}, training={})
    )
    loaded = load_model(path)
    assert loaded.config == model.config
    np.testing.assert_array_equal(
        TextScorer(loaded).nats(indices(TEXT)), TextScorer(model).nats(indices(TEXT))
    )
    monkeypatch.setattr(header, "FORMATS", (1, 2))
    with pytest.raises(ModelFileError, match="of format 3; this version reads formats 1 to 2"):
        load_model(path)


def test_a_backward_stack_has_no_tied_output() -> None:
    config = tiny_config(tied_output=True)
    with pytest.raises(CharRNNError, match="direction forward"):
        replace(config, direction="both")
