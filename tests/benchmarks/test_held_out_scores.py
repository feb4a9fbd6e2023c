"""Cold windows: every character once, each window alone."""

from collections.abc import Callable

import numpy as np
import pytest

from benchmarks.held_out_scores import SLICE_ROWS, cold_windows, score_cold, sliced
from tui_charrnn.training.loop import Windows

TEXT = np.random.default_rng(3).integers(0, 7, 1_000).astype(np.int32)
LENGTH = 13


class TargetEngine:
    """Says that the loss of a character is its index, and notes what it was given."""

    def __init__(self) -> None:
        self.rows: list[int] = []

    def evaluate(self, windows: Windows, should_stop: Callable[[], bool]) -> float | None:
        [(_, targets, weights)] = windows  # one window: no state is carried into another
        self.rows.append(len(targets))
        return float((targets * weights).sum() / weights.sum())


def test_a_stream_has_one_window_of_at_most_the_length() -> None:
    windows = cold_windows(TEXT, LENGTH)
    assert len(windows) == 1
    [(_, _, weights)] = windows
    assert set(weights.sum(axis=1)) <= {LENGTH - 1, LENGTH}


@pytest.mark.parametrize("length", [1, 2, LENGTH, 999, 1_000, 5_000])
def test_every_character_but_the_first_counts_once(length: int) -> None:
    [(_, targets, weights)] = cold_windows(TEXT, length)
    assert targets[weights > 0].tolist() == TEXT[1:].tolist()


def test_slices_hold_all_rows_in_their_order() -> None:
    [whole] = cold_windows(TEXT, LENGTH)
    parts = list(sliced([whole], 10))
    assert max(len(inputs) for inputs, _, _ in parts) == 10
    for position in range(3):
        joined = np.concatenate([part[position] for part in parts])
        np.testing.assert_array_equal(joined, whole[position])


def test_the_score_is_the_mean_over_all_positions() -> None:
    assert score_cold(TargetEngine(), TEXT, LENGTH) == pytest.approx(TEXT[1:].mean())


def test_few_windows_are_scored_at_a_time() -> None:
    engine = TargetEngine()
    score_cold(engine, TEXT, 2)
    assert max(engine.rows) == SLICE_ROWS
    assert sum(engine.rows) == 500
