"""Standard output as a text that grows."""

import math
import sys
import time
from collections.abc import Callable
from typing import BinaryIO, Final

from tui_charrnn.cli.output import discard_output, refused_output, stdout_is_terminal
from tui_charrnn.errors import StorageError
from tui_charrnn.safe_text import safe_text

_FLUSH_INTERVAL: Final = 0.1
"""Seconds that a program reading the text waits for news at most."""
_NO_STYLE: Final = "\x1b[0m"


class TextOutput:
    """Standard output as a text that grows.

    In a pipe the bytes are exactly the text in UTF-8, whatever the locale says, handed on at once
    first and then a few times a second. On a terminal every piece appears at once, made harmless.
    """

    def __init__(
        self,
        stream: BinaryIO,
        *,
        terminal_encoding: str | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Write to a stream.

        Args:
            stream: Takes the bytes.
            terminal_encoding: What the terminal understands; None if it is not a terminal.
            clock: Tells the time in seconds.
        """
        self._stream = stream
        self._encoding = terminal_encoding
        self._clock = clock
        self._flushed = -math.inf
        self._tail = ""

    def write(self, text: str, style: str = "") -> None:
        """Add to the text.

        Args:
            text: What comes next.
            style: The escape sequence that a terminal is told before it; it is undone after it.
        """
        if self._encoding is not None:
            shown = self._shown(text)
            styled = f"{style}{shown}{_NO_STYLE}" if style else shown
            self._stream.write(styled.encode(self._encoding, "replace"))
            self._stream.flush()
            return
        self._stream.write(text.encode())
        now = self._clock()
        if now - self._flushed >= _FLUSH_INTERVAL:
            self._stream.flush()
            self._flushed = now

    def close(self) -> None:
        """Write out what is held back; on a terminal, leave the prompt a line of its own."""
        if self._encoding is not None and self._tail and not self._tail.endswith("\n"):
            self._stream.write(b"\n")
        self._stream.flush()

    def _shown(self, text: str) -> str:
        """The text as `safe_text` shows it after what came before.

        Its bound on the marks piled on one character would never be reached by text that comes
        character by character, so the end of what was shown is shown to it again.
        """
        shown = safe_text(self._tail + text)[len(self._tail) :]
        self._tail = (self._tail + shown)[-16:]
        return shown


def write_text(work: Callable[[TextOutput], None]) -> bool:
    """Write to standard output.

    Args:
        work: Writes the text.

    Returns:
        False if Ctrl-C cut it short.

    Raises:
        StorageError: If standard output is closed or cannot be written.
    """
    if sys.stdout is None:
        raise StorageError("Standard output is closed: there is nowhere to write the text to.")
    encoding = sys.stdout.encoding if stdout_is_terminal() else None
    output = TextOutput(sys.stdout.buffer, terminal_encoding=encoding)
    is_complete = False
    try:
        try:
            work(output)
            is_complete = True
        except KeyboardInterrupt:
            pass
        finally:
            output.close()
    except BrokenPipeError:  # the reader has had enough, as `head` has
        discard_output()
        return True
    except OSError as error:
        discard_output()
        raise refused_output(error) from error
    return is_complete
