"""Measures how much of a text is new, and which passages are copied from a corpus.

Texts are read character by character. Only the index needs NumPy.
"""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from tui_charrnn.text.suffix_index import Span, SuffixIndex


class Match(NamedTuple):
    """The longest suffix of a text that occurs in the corpus."""

    length: int
    """In characters; 0 if the corpus lacks the last character."""
    offset: int
    """Start of one of its occurrences in the corpus, from 0."""


class PassageMatcher:
    """Computes the matching statistics of a text, character by character.

    The suffixes of the index that begin with the match form a span. A character narrows the span;
    if it becomes empty, the match drops as few leading characters as possible.

    Source: Chang and Lawler, Sublinear approximate string matching and biological applications
    (1994), for matching statistics.
    """

    def __init__(self, index: "SuffixIndex") -> None:
        self.index: Final = index
        self._width = index.width
        self.restart()

    def restart(self) -> None:
        """Start a new text."""
        self._matched = bytearray()  # the codes of the current match
        self.span: Span = (0, len(self.index))
        """The suffixes of the index that begin with it."""

    @property
    def length(self) -> int:
        """Characters of the current match."""
        return len(self._matched) // self._width

    def add(self, character: str) -> Match:
        """Append a character to the text.

        Returns:
            The longest suffix of the whole text that occurs in the corpus.
        """
        code = self.index.code_of.get(character)
        if code is None:
            self.restart()
            return Match(0, 0)
        span = self.index.narrow(self.span, self.length, code)
        self._matched += code
        if span[0] == span[1]:
            span = self._shorten()
        self.span = span
        return Match(self.length, self.index.suffixes[span[0]])

    def _shorten(self) -> "Span":
        """Drop as few leading characters as possible, so that the rest occurs in the corpus.

        Every part of an occurring passage occurs too, so the number is found by bisection.
        """

        @cache
        def span_without(dropped: int) -> "Span":
            return self.index.find(bytes(self._matched[dropped * self._width :]))

        def is_known(dropped: int) -> bool:
            first, end = span_without(dropped)
            return first < end

        # the last character alone occurs
        enough = bisect_left(range(self.length - 1), True, 1, key=is_known)
        span = span_without(enough)
        del self._matched[: enough * self._width]
        return span


COPIED_LENGTH: Final = 20
"""Default minimum length of a copied passage, in characters; see benchmarks/results.md."""


@dataclass(frozen=True, slots=True)
class CopiedPassage:
    """A passage of a text that occurs in the corpus and is not part of a longer one that does."""

    position: int
    """Start in the text, from 0."""
    length: int
    offset: int
    """Start of its first occurrence in the corpus, from 0."""


def copied_length_in(units: str) -> int:
    """Minimum length of a copied passage, in units; a Korean character has about two jamo."""
    return COPIED_LENGTH * (2 if units == "jamo" else 1)


class OriginalityMeter:
    """Measures the copied share of a growing text, in constant memory."""

    def __init__(self, index: "SuffixIndex", copied_length: int = COPIED_LENGTH) -> None:
        self.index: Final = index
        self.copied_length: Final = copied_length
        self.characters = 0
        self.copied_characters = 0
        """Characters that are part of a copied passage."""
        self._matcher = PassageMatcher(index)
        self._matches_of_length: Counter[int] = Counter()
        self._copied_end = 0  # position after the last character that was counted as copied
        self._longest = CopiedPassage(0, 0, 0)

    def add(self, character: str) -> Match:
        """Append a character to the text.

        Returns:
            The longest suffix of the text that occurs in the corpus.
        """
        match = self._matcher.add(character)
        self.characters += 1
        self._matches_of_length[match.length] += 1
        begin = self.characters - match.length
        if match.length >= self.copied_length:
            self.copied_characters += self.characters - max(begin, self._copied_end)
            self._copied_end = self.characters
        if match.length > self._longest.length:
            self._longest = CopiedPassage(begin, match.length, match.offset)
        return match

    @property
    def longest(self) -> CopiedPassage | None:
        """The longest passage that occurs in the corpus, the first of equals; None without any."""
        found = self._longest
        if not found.length:
            return None
        return replace(found, offset=self.index.first_offset(found.offset, found.length))

    def new_share(self, length: int) -> float | None:
        """The share of n-grams of `length` that the corpus lacks; None for a shorter text."""
        grams = self.characters - length + 1
        if grams < 1:
            return None
        copied = sum(count for of, count in self._matches_of_length.items() if of >= length)
        return 1 - copied / grams


class PassageMarks:
    """Marks the copied characters of a growing text as soon as they are certain.

    A character is held back while its passage may still become long enough: for fewer characters
    than a copied passage has.
    """

    def __init__(self, copied_length: int = COPIED_LENGTH) -> None:
        self._copied_length = copied_length
        self._held = ""

    def add(self, character: str, match: Match) -> list[tuple[str, bool]]:
        """Add the next character and its match.

        Returns:
            The next pieces of the text, none to two, and whether each is copied.
        """
        self._held += character
        free = max(len(self._held) - match.length, 0)
        pieces = [(self._held[:free], False)] if free else []
        self._held = self._held[free:]
        if match.length >= self._copied_length:
            pieces.append((self._held, True))
            self._held = ""
        return pieces

    def close(self) -> str:
        """End the text; return the characters held back, which are not copied."""
        held, self._held = self._held, ""
        return held
