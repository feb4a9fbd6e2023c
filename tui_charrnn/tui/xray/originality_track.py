"""How much of one continuation is copied, character by character."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.originality import OriginalityMeter
from tui_charrnn.viewing.originality_words import new_share_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tui_charrnn.text.suffix_index import SuffixIndex

_QUOTED: Final = 400
"""Characters of the longest passage that are quoted."""


@dataclass(frozen=True, slots=True)
class OriginalitySummary:
    """What is to be said of a text as a whole."""

    characters: int = 0
    copied: int = 0
    """Characters that are part of a copied passage."""
    shares: tuple[str, ...] = ()
    """How much is new at every length; see `new_share_words`."""
    longest: int = 0
    """Characters of the longest passage that the corpus has."""
    line: int = 0
    """On which line of the corpus it begins, from 1."""
    offset: int = 0
    """At which character of the corpus it begins, from 0."""
    passage: str = ""
    """The passage itself, safe to show; of a very long one the beginning."""


class OriginalityTrack:
    """Grows with a text; written by one thread and read by any."""

    def __init__(self, index: SuffixIndex) -> None:
        """Know of no character yet.

        Args:
            index: Of the corpus.
        """
        self.lengths: Final = array("i")
        """How many characters that end with each one occur in the corpus together."""
        self.summary = OriginalitySummary()
        """As of the last characters that were taken."""
        self._meter: Final = OriginalityMeter(index)
        self._copied: Final = bytearray()

    def __len__(self) -> int:
        """How many characters are known."""
        return len(self.lengths)

    @property
    def copied_length(self) -> int:
        """Characters from which on a passage counts as copied."""
        return self._meter.copied_length

    def add(self, characters: Iterable[str]) -> int:
        """Take more characters of the text.

        Returns:
            The position from which on something is known, or known otherwise than before.
        """
        changed = len(self)
        for character in characters:
            match = self._meter.add(character)
            self._copied.append(0)
            self.lengths.append(match.length)
            if match.length >= self.copied_length:
                changed = min(changed, self._mark(len(self) - match.length))
        self.summary = self._sum_up()
        return changed

    def is_copied(self, position: int) -> bool | None:
        """Whether a character is part of a copied passage; None as long as it is not known."""
        return bool(self._copied[position]) if position < len(self) else None

    def _mark(self, begin: int) -> int:
        """Mark a passage that ends with the newest character; return the first that was not."""
        place = len(self._copied) - 1
        while place >= begin and not self._copied[place]:
            self._copied[place] = 1  # what comes before a marked one is marked back to `begin`
            place -= 1
        return place + 1

    def _sum_up(self) -> OriginalitySummary:
        meter = self._meter
        longest, index = meter.longest, meter.index
        if longest is None:
            return OriginalitySummary(meter.characters, shares=tuple(new_share_words(meter)))
        return OriginalitySummary(
            characters=meter.characters,
            copied=meter.copied_characters,
            shares=tuple(new_share_words(meter)),
            longest=longest.length,
            line=index.line(longest.offset),
            offset=longest.offset,
            passage=safe_line(index.passage(longest.offset, min(longest.length, _QUOTED))),
        )
