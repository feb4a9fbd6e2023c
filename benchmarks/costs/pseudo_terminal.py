"""A program in a pseudo-terminal whose screen nobody looks at."""

import fcntl
import os
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

_PATIENCE: Final = 10.0  # seconds for a program to end by itself


class UnseenTerminal:
    """A context in which a program runs in a terminal of its own.

    What it draws is read and counted, and nothing else is done with it: what the program costs
    others is then the program's own.
    """

    def __init__(self, command: Sequence[str], *, columns: int, rows: int) -> None:
        """Start the program.

        Args:
            command: Its name and arguments.
            columns: Width of the terminal.
            rows: Height of the terminal.
        """
        self.bytes_drawn = 0
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        try:
            self._process = subprocess.Popen(
                command,
                stdin=slave,
                stdout=slave,
                stderr=slave,
                start_new_session=True,
                env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            )
        finally:
            os.close(slave)
        self._reading = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._reading.start()

    @property
    def is_running(self) -> bool:
        """Whether the program has not ended."""
        return self._process.poll() is None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the program: asked by SIGTERM, then by force."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reading.join(_PATIENCE)
        os.close(self._master)

    def _read(self) -> None:
        try:
            while data := os.read(self._master, 1 << 16):
                self.bytes_drawn += len(data)
        except OSError:  # EIO: the program has ended, and nobody holds the other side
            return
