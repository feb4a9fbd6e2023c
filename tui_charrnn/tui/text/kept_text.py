"""The end of a stream of text, exactly as it came."""

from collections import deque
from typing import Final

_PIECE: Final = 1024
"""Characters that short pieces are gathered to; single characters would cost 60 bytes each."""


class KeptText:
    """Keeps the last characters of a stream; adding to it costs nothing of what is there."""

    def __init__(self, limit: int) -> None:
        """Start without text.

        Args:
            limit: How many characters are kept; older ones are dropped.
        """
        self._limit = limit
        self._pieces: deque[str] = deque()
        self._length = 0

    @property
    def text(self) -> str:
        """The characters that are kept."""
        return "".join(self._pieces)

    def append(self, text: str) -> None:
        """Add text at the end."""
        text = text[-self._limit :]
        if self._pieces and len(self._pieces[-1]) + len(text) <= _PIECE:
            self._pieces[-1] += text
        else:
            self._pieces.append(text)
        self._length += len(text)
        while self._length > self._limit:
            oldest = self._pieces.popleft()
            rest = oldest[self._length - self._limit :]
            self._length -= len(oldest) - len(rest)
            if rest:
                self._pieces.appendleft(rest)

    def cut(self, count: int) -> None:
        """Drop so many characters at the end."""
        while count > 0 and self._pieces:
            newest = self._pieces.pop()
            kept = newest[: max(len(newest) - count, 0)]
            count -= len(newest) - len(kept)
            self._length -= len(newest) - len(kept)
            if kept:
                self._pieces.append(kept)
