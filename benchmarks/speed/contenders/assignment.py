"""What a contender is told on its command line, as one JSON document."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np

from benchmarks.speed.sizes import Size
from tui_charrnn.text.batches import ContiguousStreams

LEARNING_RATE = 1e-3
"""Of every contender; their optimizer is Adam."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One contender's work. Matrix products need only `precision` and `device` of it."""

    indices: Path
    """The text as indices, shape (N,), int32, in NumPy's file format."""
    vocabulary_size: int
    size: Size
    first_steps: int
    """Batches before the first that is timed; their losses are reported."""
    threads: int
    """What PyTorch is told to use; TensorFlow takes as many by itself."""
    precision: str = "float32"
    """`float32` or `bfloat16`; our engine chooses for itself."""
    device: str = "cpu"
    """`cpu` or `gpu`."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Training settings of our engine, by name, as people write them."""

    def at(self, size: Size, precision: str) -> Self:
        """The same work at another size."""
        return replace(self, size=size, precision=precision)

    def to_json(self) -> str:
        """The document."""
        return json.dumps(asdict(self) | {"indices": str(self.indices)})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the document."""
        values = json.loads(text)
        size = Size(**values.pop("size"))
        return cls(indices=Path(values.pop("indices")), size=size, **values)

    def streams(self) -> ContiguousStreams:
        """The batches, the same for every contender."""
        return ContiguousStreams(
            np.load(self.indices),
            batch_size=self.size.batch_size,
            sequence_length=self.size.sequence_length,
            rng_seed=0,
        )
