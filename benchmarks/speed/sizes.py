"""The sizes that training is timed at, and the arithmetic operations that they need."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from tui_charrnn.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Size:
    """A batch and a network: embedding (V, E), L LSTM layers of size H, softmax (H, V)."""

    batch_size: int
    """B."""
    sequence_length: int
    """T."""
    embedding_size: int
    """E."""
    hidden_size: int
    """H."""
    layer_count: int = 1
    """L."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `B,T,E,H`, of one layer.

        Raises:
            ConfigError: If the text is not four numbers.
        """
        try:
            numbers = [int(part) for part in text.split(",")]
        except ValueError:
            numbers = []
        if len(numbers) != 4 or min(numbers) < 1:
            raise ConfigError(
                "A size is batch size, sequence length, embedding size and hidden size, as "
                f"64,100,256,1024, each at least 1. Received: {text!r}"
            )
        return cls(*numbers)

    def with_layers(self, layer_count: int) -> Self:
        """The same with another number of layers."""
        return replace(self, layer_count=layer_count)

    @property
    def label(self) -> str:
        """As shown to people: `B64 T100 E256 H1024 L1`."""
        return (
            f"B{self.batch_size} T{self.sequence_length} E{self.embedding_size} "
            f"H{self.hidden_size} L{self.layer_count}"
        )

    @property
    def characters_per_step(self) -> int:
        """B·T: what one batch predicts."""
        return self.batch_size * self.sequence_length

    def operations_per_character(self, vocabulary_size: int) -> int:
        """Additions and multiplications that training on one character takes, in matrix products.

        6·(4H·H·(2L - 1) + H·V): a weight is multiplied and added three times for a character, once
        forward, once for the gradient of what it was multiplied with and once for its own. L
        recurrent kernels have 4H·H weights, so have the L - 1 input kernels above the first layer,
        and the output layer has H·V. The first layer's input product is a look-up in a table
        (V, 4H) and not counted, neither is anything that works element by element.
        """
        gates = 4 * self.hidden_size * self.hidden_size * (2 * self.layer_count - 1)
        return 6 * (gates + self.hidden_size * vocabulary_size)


def choose_sizes(texts: Sequence[str], layer_counts: str) -> list[Size]:
    """Every size with every number of layers.

    Args:
        texts: As `Size.parse` reads them; none stands for the default sizes.
        layer_counts: Numbers with commas between, as `1,2`.

    Raises:
        ConfigError: If something cannot be read.
    """
    try:
        counts = [int(part) for part in layer_counts.split(",")]
    except ValueError:
        counts = [0]
    if min(counts) < 1:
        raise ConfigError(f"Layers are numbers of at least 1, as 1,2. Received: {layer_counts!r}")
    sizes = [Size.parse(text) for text in texts] or DEFAULT_SIZES
    return [size.with_layers(count) for size in sizes for count in counts]


DEFAULT_SIZES: Final = (
    Size(64, 100, 256, 1024),  # the Keras text-generation tutorial's
    Size(32, 64, 64, 512),
    Size(64, 100, 64, 256),
)
