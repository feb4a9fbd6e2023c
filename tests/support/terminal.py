"""A pseudo-terminal: runs a command in it, types, and reads what a terminal would show."""

import contextlib
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

import pyte

_TAKE_TERMINAL: Final = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execvp(sys.argv[1], sys.argv[1:])"
)
"""Makes the pseudo-terminal the controlling one, as in a real terminal, and becomes the command."""
_MODE: Final = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")
ESC: Final = b"\x1b"


class Terminal:
    """A command in a pseudo-terminal of its own; a context that ends the command by its id."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        size: tuple[int, int] = (80, 24),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start a command.

        Args:
            command: The program and its arguments.
            size: Columns and rows.
            environment: Variables beside those of this process.
        """
        columns, rows = size
        self.raw = bytearray()
        """All that the command has written."""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", _TAKE_TERMINAL, *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={
                **os.environ,
                "TERM": "xterm-256color",
                "COLORTERM": "truecolor",
                **(environment or {}),
            },
        )
        os.close(slave)

    def __enter__(self) -> Self:
        """The terminal itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the command if it still runs."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.hang_up()

    @property
    def text(self) -> str:
        """What the screen shows, row by row."""
        return "\n".join(self._screen.display)

    def write(self, keys: str | bytes) -> None:
        """Type."""
        os.write(self._master, keys.encode() if isinstance(keys, str) else keys)

    def wait_for(
        self, claim: str, predicate: Callable[[], bool], *, limit: float = 30.0, reads: bool = True
    ) -> None:
        """Read until something is true.

        Args:
            claim: What is waited for, in words.
            predicate: Whether it is true now.
            limit: Seconds after which the test fails.
            reads: Whether to read at all, or to be a terminal that has stopped reading.

        Raises:
            AssertionError: With the claim and the screen, if it never became true.
        """
        deadline = time.monotonic() + limit
        while not predicate():
            if time.monotonic() > deadline:
                raise AssertionError(f"Not true within {limit:g} s: {claim}\n{self.text}")
            if reads:
                self._read(0.05)
            else:
                select.select([], [], [], 0.05)

    def wait_for_text(self, text: str, *, limit: float = 30.0) -> None:
        """Read until the screen shows a text."""
        self.wait_for(f"the screen shows {text!r}", lambda: text in self.text, limit=limit)

    def wait_for_end(self, *, limit: float = 30.0, reads: bool = True) -> int:
        """Wait until the command has ended, read the rest, and return its exit code."""
        self.wait_for("the end", lambda: self.process.poll() is not None, limit=limit, reads=reads)
        while reads and self._read(0.0):
            pass
        return self.process.wait()

    def unread(self) -> int:
        """Bytes that the command has written and nobody has read."""
        waiting = fcntl.ioctl(self._master, termios.FIONREAD, b"\0\0\0\0")
        return int(struct.unpack("I", waiting)[0])

    def hang_up(self) -> None:
        """Close the terminal, as closing its window does."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def private_modes(self) -> dict[int, bool]:
        """Every private mode that was ever set or reset, and whether it is set now."""
        modes = {}
        for match in _MODE.finditer(bytes(self.raw)):
            for number in match[1].split(b";"):
                modes[int(number)] = match[2] == b"h"
        return modes

    def _read(self, patience: float) -> bool:
        if self._master < 0 or not select.select([self._master], [], [], patience)[0]:
            return False
        with contextlib.suppress(OSError):  # EIO: the command has ended
            data = os.read(self._master, 1 << 16)
            self.raw += data
            self._stream.feed(data)
            return bool(data)
        return False
