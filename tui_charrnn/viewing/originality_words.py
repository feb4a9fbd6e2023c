"""How much of a text is copied, in words that the app and the command line share."""

from collections.abc import Iterator
from typing import Final, Protocol

NEW_LENGTHS: Final = (5, 10, 20, 50)
"""Lengths at which the share of new text is told."""


class Measured(Protocol):
    """A text that was held against a corpus; see `OriginalityMeter`."""

    def new_share(self, length: int) -> float | None:
        """The share of passages of a length that the corpus does not have."""


def share_words(share: float) -> str:
    """A share as a percentage; one that is neither all nor nothing is never told as such."""
    if 0 < share < 1:
        return f"{min(max(100 * share, 0.1), 99.9):.1f} %"
    return f"{share:.0%}".replace("%", " %")


def new_share_words(measured: Measured) -> Iterator[str]:
    """The share of new text at every length that the text has, as `20: 98.1 %`."""
    for length in NEW_LENGTHS:
        share = measured.new_share(length)
        if share is not None:
            yield f"{length}: {share_words(share)}"
