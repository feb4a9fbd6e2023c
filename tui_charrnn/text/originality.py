"""How much of a text is new: which passages of it are copied from a corpus, and how long they are.

Nothing here needs NumPy; the index does.
"""

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from tui_charrnn.text.passage_matcher import Match, PassageMatcher

if TYPE_CHECKING:
    from tui_charrnn.text.suffix_index import SuffixIndex

COPIED_LENGTH: Final = 20
"""Characters from which on a passage counts as copied, unless said otherwise; benchmarks/results.md
has why."""


@dataclass(frozen=True, slots=True)
class CopiedPassage:
    """A passage of a text that occurs in the corpus, and is not part of a longer one that does."""

    position: int
    """Of its first character in the text, from 0."""
    length: int
    offset: int
    """Of its first character in the corpus, from 0, where it occurs first."""


class OriginalityMeter:
    """Follows one text that grows, and sums up what is copied in it.

    Memory does not grow with the text.
    """

    def __init__(self, index: "SuffixIndex", copied_length: int = COPIED_LENGTH) -> None:
        """Begin with an empty text.

        Args:
            index: Of the corpus.
            copied_length: Characters from which on a passage counts as copied.
        """
        self.index: Final = index
        self.copied_length: Final = copied_length
        self.characters = 0
        self.copied_characters = 0
        """Characters that are part of a copied passage."""
        self._matcher = PassageMatcher(index)
        self._matches_of_length: Counter[int] = Counter()
        self._copied_end = 0
        """Position after the last character that was counted as copied."""
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
        """The share of the text's n-grams that do not occur in the corpus, in [0, 1].

        Args:
            length: The n of the n-grams, in characters; at least 1.

        Returns:
            The share, or None if the text is shorter than that.
        """
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
        """Begin with an empty text.

        Args:
            copied_length: Characters from which on a passage counts as copied.
        """
        self._copied_length = copied_length
        self._held = ""

    def add(self, character: str, match: Match) -> list[tuple[str, bool]]:
        """Take the next character.

        Args:
            character: What the text has grown by.
            match: What a matcher made of it.

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
