"""Records in a window are independent: the loss equals the sum over single records."""

from typing import Any

import numpy as np
import pytest

from tests.support.engine_pool import engines, take_step
from tests.support.naive_steps import NaiveNetwork
from tests.support.tiny_model import random_tensors, tiny_config
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.generation.scoring import TextScorer
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import Float32, weights_from_tensors
from tui_charrnn.text.vocabulary import END, Vocabulary
from tui_charrnn.training.loop import Batch
from tui_charrnn.training.nvidia import Gpu

pytestmark = pytest.mark.tensorflow

VOCABULARY = Vocabulary(f"{END}abcdefgh", end_symbol=END)
SIZE = len(VOCABULARY)
CELLS = ["lstm", "lstm+norm", "gru", "rnn"]
WORDS = ["abcd", "efgh", "cab"]
TEXT = VOCABULARY.encode("\n" + "".join(word + "\n" for word in WORDS))
LENGTH = len(TEXT) - 1


def config_of(cell: str) -> ModelConfig:
    return tiny_config(cell=cell, layer_count=2, hidden_size=6)


def network_of(config: ModelConfig, *, is_stacked: bool = False, end: int | None = 0) -> Any:
    from tui_charrnn.training.engine.network import HandwrittenNetwork
    from tui_charrnn.training.engine.recurrence import Arithmetic

    return HandwrittenNetwork(config, SIZE, Arithmetic(is_stacked=is_stacked), end)


def zero_states(config: ModelConfig) -> list[Any]:
    import tensorflow as tf

    count = config.layer_count * (2 if config.cell == "lstm" else 1)
    return [tf.zeros((1, config.hidden_size))] * count


def losses_of(network: Any, config: ModelConfig, values: list[Any], text: Any) -> Any:
    """Return the losses of all characters but the first, from a zero state, shape (N - 1,)."""
    import tensorflow as tf

    logits, _ = network.forward(values, tf.constant(text[:-1, None]), zero_states(config))
    return tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.constant(text[1:]), logits=logits[:, 0]
    )


@pytest.mark.parametrize("is_stacked", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_no_influence_crosses_a_border(cell: str, is_stacked: bool) -> None:
    import tensorflow as tf

    config = config_of(cell)
    network = network_of(config, is_stacked=is_stacked)
    values = [tf.constant(each) for each in random_tensors(config, SIZE).values()]
    states = zero_states(config)
    with tf.GradientTape() as tape:
        tape.watch([values[0], *states])
        logits, _ = network.forward(values, tf.constant(TEXT[:-1, None]), states)
        second = tf.reduce_sum(logits[5:9] ** 2)  # what is expected within the second record
    # the first record has characters that the second has not: their embeddings are its inputs
    embedding, *before = tape.gradient(second, [values[0], *states])
    influence = np.abs(np.array(tf.convert_to_tensor(embedding))).max(axis=1)
    assert (influence[VOCABULARY.encode("abcd")] == 0).all()
    assert (influence[VOCABULARY.encode("efg")] > 0).all()
    assert all((np.array(each) == 0).all() for each in before)


@pytest.mark.parametrize("is_stacked", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_loss_and_gradients_are_the_sums_of_those_of_each_record(
    cell: str, is_stacked: bool
) -> None:
    import tensorflow as tf

    config = config_of(cell)
    values = [tf.constant(each) for each in random_tensors(config, SIZE).values()]

    def loss_and_gradients(network: Any, texts: list[Any]) -> list[Any]:
        with tf.GradientTape() as tape:
            tape.watch(values)
            parts = [losses_of(network, config, values, text) for text in texts]
            total = tf.reduce_sum(tf.concat(parts, axis=0))
        return [total, *map(tf.convert_to_tensor, tape.gradient(total, values))]

    packed = loss_and_gradients(network_of(config, is_stacked=is_stacked), [TEXT])
    alone = [VOCABULARY.encode(f"\n{word}\n") for word in WORDS]
    expected = loss_and_gradients(network_of(config, end=None), alone)
    for ours, theirs in zip(packed, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-5)


def model_of(config: ModelConfig, tensors: dict[str, Float32]) -> Model:
    weights = weights_from_tensors(tensors, config)
    return Model(config, VOCABULARY, weights, corpus={"records": "line"}, training={})


@pytest.mark.parametrize("cell", CELLS)
def test_numpy_expects_what_the_trainer_expects(cell: str) -> None:
    config = config_of(cell)
    tensors = random_tensors(config, SIZE)
    losses = losses_of(network_of(config), config, list(tensors.values()), TEXT)
    bits = TextScorer(model_of(config, tensors)).score(VOCABULARY.decode(TEXT[1:]))
    np.testing.assert_allclose(bits * np.log(2), np.array(losses), atol=1e-5)


def naive_loss(model: Model, text: np.ndarray) -> float:
    """Return the mean loss of records read one by one, directly from the equations."""
    total = 0.0
    for index, target in zip(text[:-1].tolist(), text[1:].tolist(), strict=True):
        if index == 0:
            network = NaiveNetwork(model)
        total -= float(np.log(network.read(index)[1][target]))
    return total / (len(text) - 1)


@pytest.mark.parametrize(
    ("cell", "path"),
    [("lstm", {}), ("lstm", {"is_compiled": True}), ("gru", {"shards": 2}), ("lstm+norm", {})],
)
def test_an_engine_trains_and_scores_records_so(cell: str, path: dict[str, Any]) -> None:
    from tui_charrnn.training.engine.paths import ComputePath

    training = TrainingConfig(steps=1, sequence_length=LENGTH, batch_size=2, records="line")
    engine = engines.take(config_of(cell), training, SIZE, 2, ComputePath(**path))
    other = VOCABULARY.encode("\nbad\nface\nhad\ng\n")[: LENGTH + 1]
    assert len(other) == LENGTH + 1
    texts = np.stack([TEXT, other])
    model = model_of(config_of(cell), engine.model_tensors())
    expected = np.mean([naive_loss(model, text) for text in texts])
    window = texts[:, :-1], texts[:, 1:]
    assert engine.evaluate([(*window, np.ones((2, LENGTH), np.float32))]) == pytest.approx(
        expected, rel=1e-4
    )
    result = take_step(engine, Batch(*window, np.ones(2, np.float32)), 1, 0.01)
    assert result.loss == pytest.approx(expected, rel=1e-4)


def test_records_have_only_layers_that_can_forget_on_a_gpu() -> None:
    from tui_charrnn.training.engine.paths import Device, gpu_paths

    device = Device((Gpu("NVIDIA H100", "9.0"),))
    paths = gpu_paths(device, ModelConfig(), "auto", has_records=True)
    assert {path.layers for path in paths} == {"handwritten"}
