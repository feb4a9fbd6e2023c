"""Operations that leave an engine bit-identical."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.support.engine_pool import READ_BY_ENGINES, engines, take_step
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.text.batches import HeldOutWindows
from tui_charrnn.training.loop import Batch

pytestmark = pytest.mark.tensorflow

V, B, T = 11, 3, 4
MODEL = ModelConfig(cell="rnn", embedding_size=5, hidden_size=7)
TRAINING = TrainingConfig(steps=9, batch_size=B, sequence_length=T)
TEXT = np.random.default_rng(5).integers(0, V, 131).astype(np.int32)
Tensors = dict[str, npt.NDArray[np.generic]]


@pytest.fixture(params=[None, 0.75], ids=["newest", "averaged"])
def engine(request: pytest.FixtureRequest) -> Any:
    """Return an engine after two steps, with the newest weights or averages as its model."""
    made = new_engine(average_decay=request.param)
    for step in (1, 2):
        take_step(made, batch(step), step, 0.05)
    return made


def new_engine(**settings: Any) -> Any:
    return engines.take(MODEL, replace(TRAINING, **settings), V, B)


def built_engine(**settings: Any) -> Any:
    """Return an unused engine."""
    from tui_charrnn.training.engine.engine import Engine

    return Engine(MODEL, replace(TRAINING, **settings), V, B)


def batch(rng_seed: int) -> Batch:
    text = np.random.default_rng(rng_seed).integers(0, V, (B, T + 1)).astype(np.int32)
    return Batch(text[:, :-1], text[:, 1:], np.ones(B, np.float32))


def tensors_of(engine: Any) -> Tensors:
    return dict(engine.model_tensors()) | dict(engine.training_tensors())


def assert_same(found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert found[name].tobytes() == tensor.tobytes(), name


def test_scoring_does(engine: Any) -> None:
    before = tensors_of(engine)
    engine.evaluate(HeldOutWindows(TEXT, stream_count=2, sequence_length=T))
    assert_same(tensors_of(engine), before)


def test_scoring_that_was_broken_off_does(engine: Any) -> None:
    before, answers = tensors_of(engine), iter([False, False, True])
    windows = HeldOutWindows(TEXT, stream_count=2, sequence_length=T)
    assert engine.evaluate(windows, lambda: next(answers)) is None
    assert_same(tensors_of(engine), before)


def test_a_step_whose_loss_is_not_finite_does(engine: Any) -> None:
    spoil(engine, {"output.bias": 3e38, "output.kernel": 3e38})
    before = tensors_of(engine)
    assert not np.isfinite(take_step(engine, batch(3), 3, 0.05).loss)
    assert_same(tensors_of(engine), before)


def test_a_step_whose_gradient_alone_is_not_finite_does(engine: Any) -> None:
    """Nothing reaches the layer through an embedding of zeros, but the way back is steep."""
    spoil(engine, {"embedding": 0.0, "layers.0.kernel": 1e25})
    before = tensors_of(engine)
    loss, norm = take_step(engine, batch(3), 3, 0.05)
    assert np.isfinite(loss)
    assert not np.isfinite(norm)
    assert_same(tensors_of(engine), before)


def spoil(engine: Any, values: dict[str, float]) -> None:
    """Fill some of the trained weights, and of their averages, with one number."""
    weights, training = engine.model_tensors(), engine.training_tensors()
    for name, value in values.items():
        weights[name] = np.full_like(weights[name], value)
        if f"trained.{name}" in training:
            training[f"trained.{name}"] = weights[name]
    engine.restore(weights, training)


def test_a_reset_takes_it_back_to_its_beginning(engine: Any) -> None:
    decay = 0.75 if any(name.startswith("trained.") for name in tensors_of(engine)) else None
    engine.reset()
    assert_same(tensors_of(engine), tensors_of(built_engine(average_decay=decay)))


def test_after_a_reset_it_takes_the_same_steps_again() -> None:
    """The pool of engines relies on it."""
    fresh, again = built_engine(dropout=0.5), built_engine(dropout=0.5)
    take_step(again, batch(7), 1, 0.05)
    again.reset()
    for step in (1, 2, 3):
        data = batch(step)
        assert take_step(again, data, step, 0.05) == take_step(fresh, data, step, 0.05)
    assert_same(tensors_of(again), tensors_of(fresh))


class NotingConfig:
    """A training configuration that records which fields are read."""

    def __init__(self, training: TrainingConfig) -> None:
        self._training = training
        self.read: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.read.add(name)
        return getattr(self._training, name)


def test_engines_that_differ_in_what_no_engine_reads_are_the_same() -> None:
    """So the pool may use one for the other."""
    from tui_charrnn.training.engine.engine import Engine

    training = NotingConfig(replace(TRAINING, dropout=0.5, recurrent_weight_dropout=0.5))
    noting: Any = training
    engine = Engine(MODEL, noting, V, B)
    take_step(engine, batch(1), 1, 0.05)
    engine.reset()
    engine.evaluate(HeldOutWindows(TEXT, stream_count=2, sequence_length=T))
    assert training.read == {*READ_BY_ENGINES}
