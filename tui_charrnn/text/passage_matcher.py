"""Follows a text that grows, and knows at every character how much of its end is in a corpus."""

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from tui_charrnn.text.suffix_index import Span, SuffixIndex


class Match(NamedTuple):
    """The longest end of a text that occurs in the corpus."""

    length: int
    """In characters; 0 if the corpus does not even have the last one."""
    offset: int
    """Where it begins in the corpus, from 0, at one of the places where it occurs."""


class PassageMatcher:
    """Takes a text character by character; the lengths that it tells are its matching statistics.

    The suffixes that begin with the match are kept as a span of the index. A character narrows it;
    where nothing is left, the match loses as few characters at its beginning as it can.

    Source: Chang and Lawler, Sublinear approximate string matching and biological applications
    (1994), for matching statistics.
    """

    def __init__(self, index: "SuffixIndex") -> None:
        """Begin with an empty text.

        Args:
            index: Of the corpus.
        """
        self.index: Final = index
        self._width = index.width
        self.restart()

    def restart(self) -> None:
        """Forget the text."""
        self._matched = bytearray()
        """The codes of the longest end that occurs in the corpus."""
        self._span: Span = (0, len(self.index))
        """The suffixes that begin with it."""

    @property
    def length(self) -> int:
        """Characters of the longest end that occurs in the corpus."""
        return len(self._matched) // self._width

    @property
    def span(self) -> "Span":
        """The suffixes of the index that begin with it."""
        return self._span

    def add(self, character: str) -> Match:
        """Let the text grow by a character.

        Returns:
            The longest end of the whole text that occurs in the corpus.
        """
        code = self.index.code(character)
        if code is None:
            self.restart()
            return Match(0, 0)
        span = self.index.narrow(self._span, self.length, code)
        self._matched += code
        if span[0] == span[1]:
            span = self._shorten()
        self._span = span
        return Match(self.length, self.index.suffixes[span[0]])

    def _shorten(self) -> "Span":
        """Drop as few characters as possible from the left of what does not occur as a whole.

        Whatever is left of an end that occurs occurs too, so how many can be found by halving. The
        steps before that are doubled, as mostly it is few.
        """
        lost, step = 0, 1  # dropping `lost` is too few, as is dropping none
        while True:
            enough = min(lost + step, self.length - 1)  # the last character alone does occur
            span = self._find_without(enough)
            if span[0] < span[1]:
                break
            lost, step = enough, 2 * step
        while enough - lost > 1:
            middle = (lost + enough) // 2
            other = self._find_without(middle)
            if other[0] < other[1]:
                enough, span = middle, other
            else:
                lost = middle
        del self._matched[: enough * self._width]
        return span

    def _find_without(self, dropped: int) -> "Span":
        return self.index.find(bytes(self._matched[dropped * self._width :]))
