"""What every contender generates with: the same shape, random weights."""

import json
from dataclasses import asdict, dataclass
from typing import Final, Self

VOCABULARY_SIZE: Final = 65
EMBEDDING_SIZE: Final = 64
TEMPERATURE: Final = 0.8
FIRST_CHARACTERS: Final = 20
"""Characters before the first that is timed, as programs are traced and caches filled in them."""


@dataclass(frozen=True, slots=True)
class Task:
    """One contender's work."""

    hidden_size: int
    numbers: str = "float32"
    """What ours is multiplied in."""

    def to_json(self) -> str:
        """The document that a contender is told on its command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the document."""
        return cls(**json.loads(text))
