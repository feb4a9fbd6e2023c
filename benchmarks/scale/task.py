"""What one worker of the benchmark is told, and what it tells."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Self

from benchmarks.speed.sizes import Size


@dataclass(frozen=True, slots=True)
class Task:
    """The work of one worker."""

    size: Size
    """Its `batch_size` is that of each worker."""
    addresses: tuple[str, ...]
    """Of all workers; one for a worker alone."""
    rank: int
    threads: int
    steps: int
    """How many are timed, after the first ones."""
    reduced: tuple[int, ...]
    """Bytes of the means that are timed besides those of the gradients."""
    vocabulary_size: int = 96

    def to_json(self) -> str:
        """As an argument of a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` gave."""
        document: dict[str, Any] = json.loads(text)
        document["size"] = Size(**document["size"])
        for name in ("addresses", "reduced"):
            document[name] = tuple(document[name])
        return cls(**document)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one worker measured."""

    gradient_bytes: int
    steps: tuple[float, ...]
    """Seconds of each step, after the first ones."""
    means: dict[int, tuple[float, ...]]
    """By bytes, seconds of each mean over all workers."""
    path: dict[str, str]
    """How it computed."""

    def to_json(self) -> str:
        """As a line of output."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` gave."""
        document = json.loads(text)
        means = {int(size): tuple(seconds) for size, seconds in document["means"].items()}
        return cls(document["gradient_bytes"], tuple(document["steps"]), means, document["path"])
