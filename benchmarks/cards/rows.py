"""The rows of the table: which network, how large a batch, who trains it and how."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Final, Self

SEQUENCE_LENGTH: Final = 100
VOCABULARY_SIZE: Final = 65
"""Different characters, as in tiny Shakespeare; the rows read random ones."""
KERAS_WAYS: Final = ("float32", "mixed_bfloat16", "mixed_float16")
"""Policies of Keras."""
TORCH_WAYS: Final = ("float32", "bfloat16", "float16")
"""Float32 with factors rounded to TF32, and autocast."""


@dataclass(frozen=True, slots=True)
class Network:
    """What is trained: E = 64, L LSTM layers of size H, softmax."""

    hidden_size: int
    layer_count: int
    layer_norm: bool
    batch_size: int
    sequence_length: int = SEQUENCE_LENGTH

    @property
    def label(self) -> str:
        """As shown to people: `H512 L1 norm B64`."""
        norm = " norm" if self.layer_norm else ""
        return f"H{self.hidden_size} L{self.layer_count}{norm} B{self.batch_size}"


HEADLINE: Final = Network(512, 1, False, 64)
"""The one with a bar of its own."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement."""

    contender: str
    """`ours`, `keras` or `torch`."""
    way: str
    network: Network

    @property
    def key(self) -> str:
        """What a file of results names it by."""
        return f"{self.network.label} T{self.network.sequence_length} {self.contender} {self.way}"

    def to_json(self) -> str:
        """For the process that measures it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        values = json.loads(text)
        return cls(network=Network(**values.pop("network")), **values)


def networks() -> list[Network]:
    """All networks of the table, those that say most first."""
    batches, sizes = (128, 32, 512), (512, 1024, 256)
    plain = [
        Network(hidden, layers, False, batch)
        for layers, batch, hidden in product((1, 2), batches, sizes)
    ]
    normalized = [replace(network, layer_norm=True) for network in plain]
    pairs = [network for pair in zip(plain, normalized, strict=True) for network in pair]
    return [HEADLINE, *pairs]


def rows_of(network: Network, contenders: Sequence[str], our_ways: Sequence[str]) -> Iterator[Row]:
    """The rows of one network; nobody else has an LSTM with layer normalization.

    Args:
        network: What is trained.
        contenders: Who takes part.
        our_ways: How our engine can compute on this device, as its process tells.
    """
    ways = {"ours": our_ways, "keras": KERAS_WAYS, "torch": TORCH_WAYS}
    for contender in contenders:
        if contender == "ours" or not network.layer_norm:
            for way in ways[contender]:
                is_impossible = network.layer_norm and not way.startswith("handwritten")
                if contender != "ours" or not is_impossible:
                    yield Row(contender, way, network)
