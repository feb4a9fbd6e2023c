"""A network that reads both directions: no position sees itself, gradients, the same in NumPy."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.support.engine_pool import engines
from tests.support.naive_steps import NaiveNetwork
from tests.support.tiny_model import random_tensors
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.generation.scoring import TextScorer
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import Float32, weights_from_tensors
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.training.loop import Batch

pytestmark = pytest.mark.tensorflow

VOCABULARY = "\nabcdefg"
SIZE, LENGTH, STREAMS = len(VOCABULARY), 9, 3
CELLS = ["lstm", "lstm+norm", "gru", "rnn"]


def config_of(cell: str, layer_count: int = 2) -> ModelConfig:
    kind, _, norm = cell.partition("+")
    return ModelConfig(
        cell=kind,
        embedding_size=3,
        hidden_size=5,
        layer_count=layer_count,
        layer_norm=bool(norm),
        direction="both",
    )


def model_of(config: ModelConfig, tensors: dict[str, Float32] | None = None) -> Model:
    tensors = tensors or random_tensors(config, SIZE)
    weights = weights_from_tensors(tensors, config)
    return Model(config, Vocabulary(VOCABULARY), weights, corpus={}, training={})


def windows() -> np.ndarray:
    return np.random.default_rng(2).integers(0, SIZE, (LENGTH, STREAMS)).astype(np.int32)


def logits_of(config: ModelConfig, tensors: dict[str, Float32], inputs: np.ndarray) -> np.ndarray:
    """Return the network's predictions after each input, (T, B, V)."""
    import tensorflow as tf

    from tui_charrnn.training.engine.engine import build_network
    from tui_charrnn.training.engine.paths import ComputePath

    network = build_network(config, SIZE, ComputePath())
    count = config.layer_count * (2 if config.cell == "lstm" else 1)
    states = [tf.zeros((inputs.shape[1], config.hidden_size))] * count
    logits, after = network.forward(list(map(tf.constant, tensors.values())), inputs, states)
    assert len(after) == count
    return np.array(logits)


@pytest.mark.parametrize("cell", CELLS)
def test_no_position_sees_itself_and_each_sees_all_others(cell: str) -> None:
    config = config_of(cell)
    tensors, inputs = random_tensors(config, SIZE), windows()
    before = logits_of(config, tensors, inputs)
    for place in range(1, LENGTH):
        other = inputs.copy()
        other[place] = (inputs[place] + 1) % SIZE
        moved = np.abs(logits_of(config, tensors, other) - before).max(axis=(1, 2))
        assert moved[place - 1] == 0  # the input at a place is the target of the one before
        assert (np.delete(moved, place - 1) > 0).all()


@pytest.mark.parametrize("cell", CELLS)
def test_numpy_expects_what_the_trainer_expects(cell: str) -> None:
    config = config_of(cell)
    tensors, inputs = random_tensors(config, SIZE), windows()
    inputs[0] = 0  # the newline that a text begins after
    logits = logits_of(config, tensors, inputs)
    reader = TextScorer(model_of(config, tensors))
    for stream in range(STREAMS):
        text = inputs[1:, stream].astype(np.intp)
        scores = logits[:-1, stream].astype(np.float64)
        powers = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        expected = -np.log(powers[np.arange(len(text)), text])
        np.testing.assert_allclose(reader.nats(text), expected, atol=1e-5)


def naive_loss(config: ModelConfig, tensors: dict[str, Any], inputs: Any, targets: Any) -> float:
    """Return the mean loss of one stream, directly from the equations, in float64."""
    one_way = replace(config, direction="forward")
    second = {
        name.removeprefix("backward."): each
        for name, each in tensors.items()
        if name.startswith("backward.")
    }
    second |= {name: tensors[name] for name in ("embedding", "output.bias")}
    tops = []
    for values, read in ((tensors, inputs), (second, inputs[::-1])):
        network = NaiveNetwork(replace(model_of(one_way, values), config=one_way))
        tops.append([network.read(int(index))[0][-1].hidden for index in read])
    ahead, behind = tops
    loss = 0.0
    for place, target in enumerate(targets):
        left = len(inputs) - 3 - place
        scores = ahead[place] @ tensors["output.kernel"] + tensors["output.bias"]
        if left >= 0:
            scores = scores + behind[left] @ tensors["backward.output.kernel"]
        loss += float(np.log(np.exp(scores).sum()) - scores[target]) / len(targets)
    return loss


@pytest.mark.parametrize(
    ("cell", "is_compiled"), [*((cell, False) for cell in CELLS), ("lstm", True)]
)
def test_gradients_are_those_of_finite_differences(cell: str, is_compiled: bool) -> None:
    config = config_of(cell)
    from tui_charrnn.training.engine.paths import ComputePath
    from tui_charrnn.training.engine.steps import FIRST_DECAY

    training = TrainingConfig(
        steps=1, sequence_length=LENGTH, batch_size=1, gradient_norm_limit=None
    )
    engine = engines.take(config, training, SIZE, 1, ComputePath(is_compiled=is_compiled))
    tensors = engine.model_tensors()
    inputs, targets = windows()[:, :1], np.roll(windows(), -1, axis=0)[:, :1]
    batch = Batch(inputs.T, targets.T, np.zeros(1, np.float32))
    (result,) = engine.train_batches([batch], 1, [0.0])
    moments = engine.training_tensors()
    wide = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}
    loss = naive_loss(config, wide, inputs[:, 0], targets[:, 0])
    assert result.loss == pytest.approx(loss, rel=1e-5)
    rng = np.random.default_rng(3)
    for name, tensor in wide.items():
        moment = np.ravel(moments[f"optimizer.moment1.{name}"]).astype(np.float64)
        gradient = moment / (1 - FIRST_DECAY)
        for place in rng.choice(tensor.size, min(3, tensor.size), replace=False):
            flat, step = tensor.reshape(-1), 1e-5
            before = flat[place]
            flat[place] = before + step
            above = naive_loss(config, wide, inputs[:, 0], targets[:, 0])
            flat[place] = before - step
            below = naive_loss(config, wide, inputs[:, 0], targets[:, 0])
            flat[place] = before
            expected = (above - below) / (2 * step)
            assert gradient[place] == pytest.approx(expected, rel=1e-3, abs=1e-6), name


def test_a_network_forward_begins_as_it_always_did() -> None:
    from tui_charrnn.training.engine.network import initial_tensors

    one_way = replace(config_of("lstm"), direction="forward")
    forward, both = (initial_tensors(each, SIZE, 7) for each in (one_way, config_of("lstm")))
    for name, tensor in forward.items():
        np.testing.assert_array_equal(both[name], tensor)
