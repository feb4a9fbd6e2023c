"""Whether processes that met want the same training."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tui_charrnn.cluster.membership import Cluster
from tui_charrnn.errors import (
    BrokenClusterError,
    CharRNNError,
    ClusterError,
    CorpusError,
    ExitCode,
)

PROTOCOL: Final = 1
"""Of this program's own words between the processes; another number is refused."""
DATA_KEY: Final = "corpus"
"""The entry of a card whose difference is one of data, not of settings."""
MOST_ENTRIES: Final = 256
_LONGEST_VALUE: Final = 300
"""Characters of a value that a sentence has room for."""

Card = Mapping[str, str]
"""What must be the same everywhere, by the name that a user would give it."""


@dataclass(frozen=True)
class Refusal:
    """Why there is no training, and the exit code that every process ends with."""

    code: int
    sentence: str

    def error(self) -> CharRNNError:
        """The same as an error of the class that has this exit code."""
        kinds: dict[int, type[CharRNNError]] = {
            ExitCode.USAGE: ClusterError,
            ExitCode.DATA: CorpusError,
        }
        return kinds.get(self.code, BrokenClusterError)(self.sentence)


def full_card(cluster: Cluster, card: Card) -> dict[str, str]:
    """A card, and what this package itself needs to be the same.

    Raises:
        ValueError: If the card has more entries than may be sent.
    """
    if len(card) > MOST_ENTRIES:
        raise ValueError(f"a card has {MOST_ENTRIES} entries at most, not {len(card)}")
    addresses = ",".join(cluster.addresses)
    if len(addresses) > _LONGEST_VALUE:  # as many as hundreds of hosts need: told by their hash
        addresses = f"{addresses[:100]}... ({hashlib.sha256(addresses.encode()).hexdigest()[:12]})"
    return {
        "protocol": str(PROTOCOL),
        "number of workers": str(cluster.size),
        "list of addresses": addresses,
        **card,
    }


def disagreement(ours: Card, theirs: Card, our_name: str, their_name: str) -> Refusal | None:
    """The first entry in which two cards differ.

    Args:
        ours: The chief's.
        theirs: Another process's.
        our_name: Rank and address of the chief.
        their_name: Rank and address of the other.
    """
    for key in (*ours, *(key for key in theirs if key not in ours)):
        if ours.get(key) != theirs.get(key):
            code = ExitCode.DATA if key == DATA_KEY else ExitCode.USAGE
            return Refusal(
                int(code),
                f"All ranks of a cluster need the same {key[:_LONGEST_VALUE]}. Received: "
                f"{_value(ours, key)} on {our_name}, {_value(theirs, key)} on {their_name}",
            )
    return None


def _value(card: Card, key: str) -> str:
    return card[key][:_LONGEST_VALUE] if key in card else "(nothing)"
