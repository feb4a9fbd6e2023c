"""How much of a text is new: which passages of it are copied from a corpus, and how long they are.

A matcher follows a text that grows. Nothing here needs NumPy; the index does.
"""

from collections import Counter
from dataclasses import dataclass, replace
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
    """Takes a text character by character; the lengths that it returns are its matching statistics.

    The suffixes that begin with the match are kept as a span of the index. A character narrows it;
    where nothing is left, the match loses as few characters at its beginning as it can.

    Source: Chang and Lawler, Sublinear approximate string matching and biological applications
    (1994), for matching statistics.
    """

    def __init__(self, index: "SuffixIndex") -> None:
        self.index: Final = index
        self._width = index.width
        self.restart()

    def restart(self) -> None:
        """Forget the text."""
        self._matched = bytearray()  # the codes of the longest end that occurs in the corpus
        self._span: Span = (0, len(self.index))  # the suffixes that begin with it

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


COPIED_LENGTH: Final = 20
"""Characters from which on a passage counts as copied, by default; benchmarks/results.md
has why."""


@dataclass(frozen=True, slots=True)
class CopiedPassage:
    """A passage of a text that occurs in the corpus, and is not part of a longer one that does."""

    position: int
    """Of its first character in the text, from 0."""
    length: int
    offset: int
    """Of its first character in the corpus, from 0, where it occurs first."""


def copied_length_in(units: str) -> int:
    """From which length on a passage counts as copied; a character of Korean has two jamo."""
    return COPIED_LENGTH * (2 if units == "jamo" else 1)


class OriginalityMeter:
    """Follows one text that grows, and sums up what is copied in it.

    Memory does not grow with the text.
    """

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
        """Let the text grow by a character.

        Returns:
            The longest end of the text that occurs in the corpus.
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
        """The longest passage that occurs in the corpus, the first of such; None if none does."""
        found = self._longest
        if not found.length:
            return None
        return replace(found, offset=self.index.first_offset(found.offset, found.length))

    def new_share(self, length: int) -> float | None:
        """The share of the text's n-grams that the corpus lacks; None if the text is shorter."""
        grams = self.characters - length + 1
        if grams < 1:
            return None
        copied = sum(count for of, count in self._matches_of_length.items() if of >= length)
        return 1 - copied / grams


class PassageMarks:
    """Tells a growing text's copied characters from the others, as soon as it is certain.

    A character is held back while a passage that it is part of may still become long enough: for
    fewer characters than a copied passage has.
    """

    def __init__(self, copied_length: int = COPIED_LENGTH) -> None:
        self._copied_length = copied_length
        self._held = ""

    def add(self, character: str, match: Match) -> list[tuple[str, bool]]:
        """Take the next character, and what a matcher made of it.

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
        """The end of the text: what was held back, which is not copied."""
        held, self._held = self._held, ""
        return held
