"""Stop strings: what ends a text when the model has said it."""

import unicodedata
from collections.abc import Sequence
from typing import Final

from tui_charrnn.errors import ConfigError


class StopStrings:
    """Watches a text, character by character, for strings that end it.

    Only generated characters count, not those of a seed text. The string itself belongs to the
    text: what streams cannot be taken back.
    """

    def __init__(self, strings: Sequence[str]) -> None:
        """Begin with an empty text.

        Args:
            strings: Any of them ends the text; composed first (Unicode NFC), as a corpus is.

        Raises:
            ConfigError: If one of them is empty.
        """
        if "" in strings:
            raise ConfigError("A stop string must have at least 1 character. Received: ''.")
        self._strings: Final = tuple(unicodedata.normalize("NFC", string) for string in strings)
        self._longest = max(map(len, self._strings), default=0)
        self._end = ""

    def has_ended(self, character: str) -> bool:
        """Take one more character of the text; whether a string is complete with it."""
        if not self._strings:
            return False
        self._end = (self._end + character)[-self._longest :]
        return self._end.endswith(self._strings)

    def unreachable(self, vocabulary: str) -> list[str]:
        """The strings that a model cannot say, as it does not know all of their characters."""
        known = set(vocabulary)
        return [string for string in self._strings if not known.issuperset(string)]
