"""What a model file says of itself, without reading its numbers."""

import math
import os
from dataclasses import dataclass
from pathlib import Path

from tui_charrnn.errors import ModelFileError
from tui_charrnn.model.header import ModelHeader, read_header
from tui_charrnn.model.weights import tensor_shapes


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model file, as a list of models shows it."""

    path: Path
    size: int
    """Bytes."""
    header: ModelHeader | None
    """None if the file cannot be used."""
    problem: str | None = None
    """Why it cannot be used, in one sentence with the path."""

    @property
    def parameters(self) -> int:
        """Numbers that were learned; 0 if the file cannot be used."""
        if self.header is None:
            return 0
        shapes = tensor_shapes(self.header.config, len(self.header.vocabulary))
        return sum(math.prod(shape) for shape in shapes.values())

    @property
    def loss(self) -> float | None:
        """Lowest validation loss that it was saved with, nats per character; None if unknown."""
        if self.header is None:
            return None
        for name in ("best_validation_loss", "validation_loss"):
            loss = self.header.training.get(name)
            if isinstance(loss, float) and math.isfinite(loss):
                return loss
        return None


def read_facts(path: Path) -> ModelFacts:
    """What a model file says of itself; of one that cannot be used, why."""
    size = 0
    try:
        # a pipe in the place of a file is refused rather than waited for
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            size = os.fstat(descriptor).st_size
            return ModelFacts(path, size, read_header(file, size))
    except ModelFileError as error:
        return ModelFacts(path, size, None, f"{path} {error}")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return ModelFacts(path, size, None, f"{path} cannot be read: {reason}.")
