"""The TensorFlow engine, compared with NumPy and with itself."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests.support.engine_pool import engines, take_step
from tests.support.tiny_model import model_of
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import RunError
from tui_charrnn.generation.lstm import Stepper, fold_embedding
from tui_charrnn.model.weights import weights_from_tensors
from tui_charrnn.text.batches import HeldOutWindows
from tui_charrnn.training.loop import Batch, Indices

pytestmark = pytest.mark.tensorflow

V, B, T = 11, 3, 4
MODEL = ModelConfig(embedding_size=5, hidden_size=7, layer_count=2)
TRAINING = TrainingConfig(steps=9, batch_size=B, sequence_length=T, learning_rate=0.05)
TEXT = np.random.default_rng(5).integers(0, V, 130).astype(np.int32)


def new_engine(model: ModelConfig = MODEL, training: TrainingConfig = TRAINING) -> Any:
    return engines.take(model, training, V, training.batch_size)


def batch(rng_seed: int = 0, carried: float = 1.0) -> Batch:
    text = np.random.default_rng(rng_seed).integers(0, V, (B, T + 1)).astype(np.int32)
    return Batch(text[:, :-1], text[:, 1:], np.full(B, carried, np.float32))


def numpy_loss(engine: Any, model: ModelConfig, text: Indices) -> float:
    """Return the mean loss of a text in one stream, by the step that generation uses."""
    weights = weights_from_tensors(engine.model_tensors(), model)
    stepper, total = Stepper(fold_embedding(model_of(weights, model))), 0.0
    for index, target in pairwise(text):
        scores = stepper.read(int(index)).astype(np.float64)
        total += float(np.log(np.exp(scores).sum()) - scores[target])
    return total / (len(text) - 1)


@pytest.mark.parametrize(
    ("cell", "layer_count"), [("lstm", 1), ("lstm", 2), ("gru", 2), ("rnn", 2)]
)
def test_a_held_out_text_scores_as_in_numpy(cell: str, layer_count: int) -> None:
    model = ModelConfig(cell=cell, embedding_size=5, hidden_size=7, layer_count=layer_count)
    engine = new_engine(model)
    for number in range(1, 4):
        take_step(engine, batch(number), number, 0.05)
    windows = HeldOutWindows(TEXT, stream_count=1, sequence_length=T)
    assert engine.evaluate(windows) == pytest.approx(numpy_loss(engine, model, TEXT), abs=1e-5)


def test_a_normalized_network_scores_as_in_numpy() -> None:
    model = ModelConfig(embedding_size=5, hidden_size=7, layer_count=2, layer_norm=True)
    engine = new_engine(model)
    for number in range(1, 4):
        take_step(engine, batch(number), number, 0.05)
    gains = engine.model_tensors()["layers.0.gate_gain"]
    assert gains.shape == (28,)
    assert np.abs(gains - 1).max() > 0.01  # they learn
    windows = HeldOutWindows(TEXT, stream_count=1, sequence_length=T)
    assert engine.evaluate(windows) == pytest.approx(numpy_loss(engine, model, TEXT), abs=1e-5)


def test_a_tied_output_scores_as_in_numpy() -> None:
    model = ModelConfig(embedding_size=6, hidden_size=6, tied_output=True)
    engine = new_engine(model)
    take_step(engine, batch(), 1, 0.05)
    windows = HeldOutWindows(TEXT, stream_count=1, sequence_length=T)
    assert engine.evaluate(windows) == pytest.approx(numpy_loss(engine, model, TEXT), abs=1e-5)
    assert "output.kernel" not in engine.model_tensors()


def test_a_uniform_model_loses_the_logarithm_of_the_vocabulary() -> None:
    engine = new_engine()
    zeros = {name: np.zeros_like(tensor) for name, tensor in engine.model_tensors().items()}
    engine.restore(zeros, engine.training_tensors())
    windows = HeldOutWindows(TEXT, stream_count=2, sequence_length=T)
    assert engine.evaluate(windows) == pytest.approx(np.log(V), rel=1e-6)


def test_the_state_is_carried_to_the_next_batch_and_forgotten_where_asked() -> None:
    first, second = batch(1), batch(2)
    carrying, cold, fresh = (new_engine() for _ in range(3))
    take_step(carrying, first, 1, 0.0)
    take_step(cold, first, 1, 0.0)
    carried_loss = take_step(carrying, second, 2, 0.0).loss
    cold_loss = take_step(cold, second._replace(carried=np.zeros(B, np.float32)), 2, 0.0).loss
    fresh_loss = take_step(fresh, second, 2, 0.0).loss
    assert cold_loss == fresh_loss
    assert carried_loss != fresh_loss


def test_evaluating_leaves_training_as_it_was() -> None:
    engine, undisturbed = new_engine(), new_engine()
    take_step(engine, batch(1), 1, 0.05)
    take_step(undisturbed, batch(1), 1, 0.05)
    engine.evaluate(HeldOutWindows(TEXT, stream_count=2, sequence_length=T))
    assert take_step(engine, batch(2), 2, 0.05) == take_step(undisturbed, batch(2), 2, 0.05)


def test_an_evaluation_stops_when_asked() -> None:
    windows = HeldOutWindows(TEXT, stream_count=2, sequence_length=T)
    assert new_engine().evaluate(windows, lambda: True) is None


def test_the_gradient_is_that_of_finite_differences() -> None:
    config = TrainingConfig(
        steps=1, batch_size=B, sequence_length=T, optimizer="adam", gradient_norm_limit=None
    )
    model = ModelConfig(embedding_size=2, hidden_size=3)
    engine, data = new_engine(model, config), batch(3, carried=0.0)
    data = data._replace(inputs=data.inputs % 2)  # the same characters again and again
    norm = take_step(engine, data, 1, 0.0).gradient_norm
    weights, state = engine.model_tensors(), engine.training_tensors()

    def loss_with(name: str, position: int, shift: float) -> float:
        shifted = {key: tensor.copy() for key, tensor in weights.items()}
        shifted[name].flat[position] += shift
        engine.restore(shifted, state)
        return float(take_step(engine, data, 1, 0.0).loss)

    squares = sum(
        ((loss_with(name, position, 1e-2) - loss_with(name, position, -1e-2)) / 2e-2) ** 2
        for name, tensor in weights.items()
        for position in range(tensor.size)
    )
    assert norm == pytest.approx(np.sqrt(squares), rel=0.01)


def test_a_gradient_is_cut_down_to_its_limit() -> None:
    """Adam's first moment after one step is a tenth of the gradient that it was given."""
    limit = 1e-3
    config = TrainingConfig(
        steps=1, batch_size=B, sequence_length=T, optimizer="adam", gradient_norm_limit=limit
    )
    engine = new_engine(training=config)
    before = engine.training_tensors()
    assert take_step(engine, batch(), 1, 0.01).gradient_norm > 10 * limit
    after = engine.training_tensors()
    moments = [
        after[name] - before[name]
        for name in after
        if name.startswith("optimizer") and after[name].ndim and (after[name] < 0).any()
    ]
    norm = np.sqrt(sum(float(np.square(moment).sum()) for moment in moments))
    assert norm == pytest.approx(0.1 * limit, rel=1e-3)


def test_a_character_that_is_read_often_is_one_row_of_the_gradient() -> None:
    """Adam's first step moves no number by more than the learning rate."""
    config = TrainingConfig(steps=1, batch_size=B, sequence_length=T, optimizer="adam")
    engine = new_engine(training=config)
    inputs = np.full((B, T), 3, np.int32)
    before = engine.model_tensors()
    take_step(engine, Batch(inputs, inputs, np.zeros(B, np.float32)), 1, 0.01)
    for name, tensor in engine.model_tensors().items():
        assert np.abs(tensor - before[name]).max() <= 0.01 * 1.001, name
    moved = np.abs(engine.model_tensors()["embedding"] - before["embedding"]).max(axis=1)
    assert np.flatnonzero(moved).tolist() == [3]


def test_dropout_masks_are_a_function_of_the_step() -> None:
    config = TrainingConfig(steps=9, batch_size=B, sequence_length=T, dropout=0.5)
    losses = [
        take_step(new_engine(training=config), batch(), number, 0.0).loss for number in (1, 1, 2)
    ]
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


def test_added_dropout_drops_as_much_as_configured() -> None:
    losses = []
    for configured, added in ((0.5, 0.0), (0.25, 0.25), (0.25, 0.0)):
        config = replace(TRAINING, dropout=configured)
        drawn = batch()._replace(added_dropout=added)
        losses.append(take_step(new_engine(training=config), drawn, 1, 0.0).loss)
    assert losses[0] == losses[1] != losses[2]


def test_weight_decay_spares_the_biases() -> None:
    config = TrainingConfig(steps=9, batch_size=B, sequence_length=T, weight_decay=0.5)
    plain = TrainingConfig(steps=9, batch_size=B, sequence_length=T, weight_decay=0.0)
    decayed, kept = new_engine(training=config), new_engine(training=plain)
    start = kept.model_tensors()
    take_step(decayed, batch(), 1, 0.1)
    take_step(kept, batch(), 1, 0.1)
    for name, tensor in decayed.model_tensors().items():
        decay = 0.0 if name.endswith("bias") else 0.1 * 0.5
        expected = kept.model_tensors()[name] - decay * start[name]
        np.testing.assert_allclose(tensor, expected, atol=1e-6, err_msg=name)


def test_it_learns_a_text_by_heart() -> None:
    engine = new_engine()
    losses = [take_step(engine, batch(1, 0.0), number, 0.05).loss for number in range(1, 60)]
    assert losses[-1] < 0.3 * losses[0]


def test_a_checkpoint_of_another_shape_is_refused_with_both_shapes() -> None:
    engine, other = new_engine(), new_engine(ModelConfig(embedding_size=5, hidden_size=9))
    with pytest.raises(RunError, match=r"layers.0.kernel.*\(5, 28\).*\(5, 36\)"):
        engine.restore(other.model_tensors(), engine.training_tensors())
