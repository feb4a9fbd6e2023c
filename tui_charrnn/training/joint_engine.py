"""What engines that train together have in common: the first of them here stands for all."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from tui_charrnn.model.weights import Float32
from tui_charrnn.training.engine import Engine
from tui_charrnn.training.loop import Batch, BatchResult, Windows


class JointEngine(ABC):
    """Several engines that hold the same weights.

    Args:
        first: One of them, in this process; it scores.
    """

    steps_per_call = 1

    def __init__(self, first: Engine) -> None:
        self.first: Final = first

    @property
    def newest_step(self) -> int:
        """The last that was taken since a checkpoint was taken up; 0 before the first."""
        return self.first.newest_step

    @abstractmethod
    def train_batch(self, batch: Batch, step: int, learning_rate: float) -> BatchResult:
        """Take one step, all of them together; as `Engine.train_batch`.

        Args:
            batch: All B streams, of which each engine reads its own.
            step: Number of the step.
            learning_rate: Of this step.
        """

    def train_batches(
        self, batches: Sequence[Batch], first_step: int, learning_rates: Sequence[float]
    ) -> list[BatchResult]:
        """Take steps up to the first that is not finite; each is looked at."""
        results: list[BatchResult] = []
        for at, (batch, rate) in enumerate(zip(batches, learning_rates, strict=True)):
            results.append(self.train_batch(batch, first_step + at, rate))
            if not np.isfinite(results[-1]).all():
                break
        return results

    def evaluate(self, windows: Windows, should_stop: Callable[[], bool]) -> float | None:
        """As `Engine.evaluate`, on one device; the others wait."""
        return self.first.evaluate(windows, should_stop)

    def evaluate_dynamically(
        self, windows: Windows, learning_rate: float, should_stop: Callable[[], bool]
    ) -> float | None:
        """As `Engine.evaluate_dynamically`, on one device; the others wait."""
        return self.first.evaluate_dynamically(windows, learning_rate, should_stop)

    def model_tensors(self) -> dict[str, Float32]:
        """As `Engine.model_tensors`: all hold the same."""
        return self.first.model_tensors()
