"""What a session needs of an engine, whether it trains alone or together with others."""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tui_charrnn.model.weights import Float32
from tui_charrnn.training.loop import TrainingEngine, Windows


class RunEngine(TrainingEngine, Protocol):
    """An engine whose state can be saved and taken up again."""

    @property
    def newest_step(self) -> int:
        """The last that was taken since a checkpoint was taken up; 0 before the first."""
        ...

    def evaluate_dynamically(
        self, windows: Windows, learning_rate: float, should_stop: Callable[[], bool]
    ) -> float | None:
        """Score held-out text with weights that go on learning from it."""
        ...

    def model_tensors(self) -> dict[str, Float32]:
        """Copies of the weights by name."""
        ...

    def training_tensors(self) -> dict[str, npt.NDArray[np.generic]]:
        """Copies of what resuming needs besides, the states of all B streams with it."""
        ...

    def restore(
        self, weights: Mapping[str, Float32], training: Mapping[str, npt.NDArray[np.generic]]
    ) -> None:
        """Take up what a checkpoint left."""
        ...

    def reset(self) -> None:
        """Go back to the state before the first step."""
        ...
