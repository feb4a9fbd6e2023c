"""How long to wait before something that was refused is tried again."""

from typing import Final

FIRST_PAUSE: Final = 2.0
"""Seconds after the first refusal; each further one doubles them."""
COST_SHARE: Final = 0.1
"""At most this share of the time is spent on attempts, where each takes long before it fails."""


class GrowingPause:
    """Seconds between two attempts, which grow from refusal to refusal up to a limit."""

    def __init__(self, longest: float) -> None:
        """Begin without a refusal.

        Args:
            longest: Seconds that a pause grows to; an attempt that takes long has longer ones.
        """
        self._longest = longest
        self._refusals = 0
        self.seconds = 0.0
        """Until the next attempt; 0 if the last one succeeded."""

    def refused(self, took: float) -> None:
        """Note an attempt that failed after so many seconds."""
        grown = FIRST_PAUSE * 2.0 ** min(self._refusals, 30)
        self._refusals += 1
        self.seconds = max(min(grown, self._longest), took / COST_SHARE)

    def succeeded(self) -> None:
        """Note one that did not."""
        self._refusals, self.seconds = 0, 0.0
