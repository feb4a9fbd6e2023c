"""The words of a meeting: what a process says at the chief's door, and what it is answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tui_charrnn.cluster.agreement import Card, Refusal
from tui_charrnn.cluster.frames import ForeignBytesError

_MOST_ENTRIES: Final = 512
_LONGEST: Final = 2_000
"""Characters of anything that a sentence may be made of."""


@dataclass(frozen=True)
class Knock:
    """Who stands at the door, and with which card."""

    rank: int
    phase: str
    card: Card
    problem: Refusal | None = None
    """Why this process cannot take part, whatever its card says."""

    def to_note(self) -> dict[str, object]:
        """The same as a JSON object."""
        trouble = None
        if self.problem is not None:
            trouble = {"code": self.problem.code, "sentence": self.problem.sentence}
        return {
            "rank": self.rank,
            "phase": self.phase,
            "card": dict(self.card),
            "problem": trouble,
        }


def read_knock(content: Mapping[str, object]) -> Knock:
    """What a process says at the door.

    Raises:
        ForeignBytesError: If it is something else.
    """
    match content:
        case {"rank": int(rank), "phase": str(phase), "card": dict(card), "problem": trouble}:
            texts = [*card.keys(), *card.values()]
            if len(card) > _MOST_ENTRIES or not all(isinstance(text, str) for text in texts):
                raise ForeignBytesError("no card")
            problem = None if trouble is None else _read_refusal(trouble)
            return Knock(rank, phase[:_LONGEST], card, problem)
    raise ForeignBytesError("no knock")


@dataclass(frozen=True)
class Answer:
    """What the chief says: wait, come in, or why there is no training."""

    is_welcome: bool = False
    seconds: float = 0.0
    """For which the chief waits for others, at most."""
    refusal: Refusal | None = None

    def to_note(self) -> dict[str, object]:
        """The same as a JSON object."""
        if self.refusal is not None:
            told = {"code": self.refusal.code, "sentence": self.refusal.sentence}
            return {"refused": told}
        return {"welcome": True} if self.is_welcome else {"wait": self.seconds}


def read_answer(content: Mapping[str, object]) -> Answer:
    """What the chief says.

    Raises:
        ForeignBytesError: If it is something else.
    """
    match content:
        case {"refused": told}:
            return Answer(refusal=_read_refusal(told))
        case {"welcome": True}:
            return Answer(is_welcome=True)
        case {"wait": int(seconds) | float(seconds)} if 0 <= seconds < 1e9:
            return Answer(seconds=float(seconds))
    raise ForeignBytesError("no answer")


def _read_refusal(told: object) -> Refusal:
    match told:
        case {"code": int(code), "sentence": str(sentence)}:
            return Refusal(code, sentence[:_LONGEST])
    raise ForeignBytesError("no refusal")
