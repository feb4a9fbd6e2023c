"""Several steps in one call are bit-identical to single steps."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.support.engine_pool import engines
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.training.loop import Batch, BatchResult

pytestmark = pytest.mark.tensorflow

V, B, T, K = 11, 6, 5, 5
RATES = [0.01 * step for step in range(1, K + 1)]
TRAINING = TrainingConfig(
    steps=K,
    batch_size=B,
    sequence_length=T,
    dropout=0.4,
    recurrent_weight_dropout=0.2,
    average_decay=0.9,
    gradient_norm_limit=0.1,
)


def batches() -> list[Batch]:
    rng = np.random.default_rng(3)
    texts = [rng.integers(0, V, (B, T + 1)).astype(np.int32) for _ in range(K)]
    carried = np.array([1, 1, 0, 1, 0, 1], np.float32)
    return [
        Batch(text[:, :-1], text[:, 1:], np.roll(carried, at), 0.1 * at)
        for at, text in enumerate(texts)
    ]


def new_engine(
    layers: str, cell: str, training: TrainingConfig = TRAINING, steps_per_call: int = K
) -> Any:
    from tui_charrnn.training.engine.paths import ComputePath

    model = ModelConfig(cell=cell, embedding_size=4, hidden_size=8, layer_count=2)
    path = ComputePath("GPU", layers, steps_per_call=steps_per_call)  # type: ignore[arg-type]
    return engines.take(model, training, V, B, path)


def take(engine: Any, rates: list[float], *, calls: tuple[int, ...] = ()) -> list[BatchResult]:
    """Return the results of all steps, taken singly up to the first failure, or in calls."""
    results: list[BatchResult] = []
    for count in calls or (1,) * K:
        at = len(results)
        part = slice(at, at + count)
        results += engine.train_batches(batches()[part], at + 1, rates[part])
        if not all(map(math.isfinite, results[-1])):
            break
    return results


def bits_of(engine: Any) -> dict[str, bytes]:
    tensors: dict[str, npt.NDArray[Any]] = engine.model_tensors() | engine.training_tensors()
    return {name: tensor.tobytes() for name, tensor in tensors.items()}


@pytest.mark.parametrize("calls", [(K,), (2, 3)], ids=["one-call", "two-calls"])
@pytest.mark.parametrize(
    ("layers", "cell"),
    [
        ("handwritten", "lstm"),
        ("keras", "gru"),
        pytest.param("keras", "lstm", marks=pytest.mark.stress),  # steps are taken by the same loop
        pytest.param("keras", "rnn", marks=pytest.mark.stress),
    ],
)
def test_the_steps_of_a_call_are_single_steps(
    layers: str, cell: str, calls: tuple[int, ...]
) -> None:
    """With different masks, dropout rates, learning rates and cold streams at each step."""
    engine = new_engine(layers, cell)
    expected, bits = take(engine, RATES), bits_of(engine)
    engine.reset()  # to trace another takes seconds
    assert take(engine, RATES, calls=calls) == expected
    assert bits_of(engine) == bits
    assert len({loss for loss, _ in expected}) == K


@pytest.mark.parametrize("failing", [1, 3, 5])
def test_nothing_is_applied_from_a_step_on_that_is_not_finite(failing: int) -> None:
    """The step before makes the weights so large that the results are not finite."""
    plain = replace(TRAINING, average_decay=None, optimizer="adam")
    engine, rates = new_engine("keras", "lstm", plain), list(RATES)
    if failing > 1:
        rates[failing - 2] = 3e38
    found = []
    for calls in ((), (K,)):
        engine.reset()
        if failing == 1:
            engine.train_batches(batches()[:1], 1, [3e38])
        found.append((take(engine, rates, calls=calls), bits_of(engine)))
    (expected, single), (results, several) = found
    assert len(results) == failing
    np.testing.assert_array_equal(results, expected)  # equal where both are not a number
    assert not all(map(math.isfinite, results[-1]))
    assert several == single


def test_the_steps_are_those_that_the_host_takes_one_by_one() -> None:
    """With the same masks, drawn outside of any loop; another graph may round differently."""
    single, several = (
        new_engine("handwritten", "gru", steps_per_call=1),
        new_engine("handwritten", "gru"),
    )
    np.testing.assert_allclose(take(several, RATES, calls=(K,)), take(single, RATES), rtol=1e-5)
    for name, values in single.model_tensors().items():
        np.testing.assert_allclose(several.model_tensors()[name], values, atol=1e-5, err_msg=name)


def test_another_number_of_steps_is_not_traced_anew() -> None:
    engine = new_engine("handwritten", "rnn")
    take(engine, RATES, calls=(2, 1, 2))
    assert engine._multi_step._run.experimental_get_tracing_count() == 1
