"""The search for the batch size and the number of shards, with given speeds."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import RunError
from tui_charrnn.training.interruption import LeavingError, Reason
from tui_charrnn.training.plan import learning_rate_at, with_batch_size
from tui_charrnn.training.timing import (
    FEWEST_STEPS,
    batch_sizes,
    climb,
    largest_batch,
    shard_counts,
)


def by_speed(speeds: Mapping[int, float | Exception]) -> Callable[[int], tuple[str, float]]:
    """Return candidates of known speeds; an exception as a speed is raised."""

    def time_one(number: int) -> tuple[str, float]:
        speed = speeds[number]
        if isinstance(speed, Exception):
            raise speed
        return f"made {number}", speed

    return time_one


def test_the_largest_that_still_gains_is_taken() -> None:
    found = climb([32, 64, 128, 256], by_speed({32: 100, 64: 116, 128: 134, 256: 150}), 1.15)
    assert found.chosen == "made 128"
    assert found.speeds == {32: 100, 64: 116, 128: 134, 256: 150}
    assert found.failure == ""


def test_the_search_ends_with_the_first_that_gains_too_little() -> None:
    found = climb([32, 64, 128], by_speed({32: 100, 64: 114, 128: 1000}), 1.15)
    assert found.chosen == "made 32"
    assert found.speeds == {32: 100, 64: 114}


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (MemoryError(), "not enough memory"),
        (type("ResourceExhaustedError", (Exception,), {})("OOM"), "not enough memory"),
        (RuntimeError("out of range\nsecond"), "RuntimeError: out of range"),
    ],
)
def test_one_that_fails_ends_the_search_and_not_the_run(error: Exception, failure: str) -> None:
    found = climb([32, 64, 128], by_speed({32: 100, 64: 150, 128: error}), 1.15)
    assert (found.chosen, found.failure) == ("made 64", failure)


def test_the_first_one_fails_as_the_run_would() -> None:
    with pytest.raises(RuntimeError, match="no device"):
        climb([32, 64], by_speed({32: RuntimeError("no device")}), 1.15)


@pytest.mark.parametrize("error", [LeavingError(Reason.SIGTERM), RunError("gone")])
def test_a_reason_to_leave_is_no_failure_of_a_candidate(error: Exception) -> None:
    with pytest.raises(type(error)):
        climb([32, 64], by_speed({32: 100, 64: error}), 1.15)


def test_batch_sizes_double_up_to_what_was_tried_and_what_fits() -> None:
    assert list(batch_sizes(32, lambda: 10_000)) == [32, 64, 128]
    assert list(batch_sizes(32, lambda: 100)) == [32, 64]
    assert list(batch_sizes(20, lambda: 7)) == [20]


@pytest.mark.parametrize(
    ("length", "characters", "read"),
    [
        ({"epochs": 4.0}, 1_000_000, 4_000_000),
        ({"train_time": 60.0}, 1_000_000, 60 * 5_000),
        ({"train_time": 60.0, "max_epochs": 2.0}, 100_000, 200_000),
        ({"train_time": 20.0, "max_epochs": 2.0}, 100_000, 20 * 5_000),
    ],
)
def test_a_run_keeps_enough_steps(length: dict[str, Any], characters: int, read: int) -> None:
    training = TrainingConfig(sequence_length=10, **length)
    assert largest_batch(training, characters, 5_000.0) == read // (10 * FEWEST_STEPS)


def test_a_stream_holds_a_window_at_least() -> None:
    training = TrainingConfig(steps=5, sequence_length=10)
    assert largest_batch(training, 1_001, 5_000.0) == 100


def test_the_learning_rate_grows_with_the_batch_over_as_many_steps() -> None:
    training = TrainingConfig(epochs=8.0, batch_size=32, learning_rate=0.01, warmup_fraction=0.03)
    larger = with_batch_size(training, 128, 4.0)
    assert (larger.batch_size, larger.learning_rate) == (128, 0.04)
    for steps in (1, 5, 30):  # of the warm-up; the large run has a quarter of the 1,000 steps
        assert learning_rate_at(steps, 250, larger) == 4 * learning_rate_at(steps, 1_000, training)
    assert with_batch_size(training, 32 * 64, 64.0).warmup_fraction == 1.0


@pytest.mark.parametrize(
    ("threads", "batch_size", "fewest", "expected"),
    [
        (2, 32, 2, [2]),
        (4, 32, 2, [2, 4]),
        (16, 32, 2, [2, 4, 8]),
        (12, 256, 12, [12]),
        (12, 64, 4, [4, 8, 12]),
        (3, 32, 2, [2, 3]),
    ],
)
def test_shards_become_finer_up_to_a_thread_each(
    threads: int, batch_size: int, fewest: int, expected: list[int]
) -> None:
    assert shard_counts(threads, batch_size, fewest) == expected
