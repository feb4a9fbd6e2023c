"""Dynamic evaluation: the weights learn from the text they have read."""

from typing import Any

import numpy as np
import pytest

from tests.support.engine_pool import take_step
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.text.batches import HeldOutWindows
from tui_charrnn.training.loop import Batch

pytestmark = pytest.mark.tensorflow

V, B, T = 7, 3, 5
MODEL = ModelConfig(embedding_size=4, hidden_size=6)


@pytest.fixture(scope="module")
def engine() -> Any:
    """An engine trained for a few steps on random characters."""
    from tui_charrnn.training.engine.engine import Engine

    training = TrainingConfig(steps=9, batch_size=B, sequence_length=T, average_decay=0.9)
    trained = Engine(MODEL, training, V, B)
    rng = np.random.default_rng(1)
    for step in range(1, 10):
        text = rng.integers(0, V, (B, T + 1)).astype(np.int32)
        take_step(trained, Batch(text[:, :-1], text[:, 1:], np.ones(B, np.float32)), step, 0.01)
    return trained


def windows(text: list[int]) -> HeldOutWindows:
    return HeldOutWindows(np.array(text, np.int32), stream_count=2, sequence_length=T)


def test_a_rate_of_nearly_nothing_scores_as_ever(engine: Any) -> None:
    text = windows([0, 3, 1, 6, 2, 5, 4] * 9)
    plain = engine.evaluate(text)
    assert engine.evaluate_dynamically(text, 1e-12) == pytest.approx(plain, abs=1e-5)


def test_what_repeats_itself_is_learned_on_the_way(engine: Any) -> None:
    text = windows([2, 5] * 120)
    assert engine.evaluate_dynamically(text, 0.01) < engine.evaluate(text) - 0.2


def test_the_first_window_is_scored_before_anything_is_learned(engine: Any) -> None:
    text = windows([2, 5, 2, 5, 2, 5])  # two streams of at most 3 predictions: one window
    assert engine.evaluate_dynamically(text, 0.5) == pytest.approx(engine.evaluate(text), abs=1e-6)


def test_nothing_of_it_stays(engine: Any) -> None:
    before = engine.model_tensors() | engine.training_tensors()
    engine.evaluate_dynamically(windows([2, 5] * 40), 0.05)
    after = engine.model_tensors() | engine.training_tensors()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_it_stops_when_asked(engine: Any) -> None:
    assert engine.evaluate_dynamically(windows([2, 5] * 40), 0.05, lambda: True) is None
