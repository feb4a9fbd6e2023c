"""A command in a pseudo-terminal of its own: started, typed to, read, hung up and ended."""

import contextlib
import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping, Sequence
from io import FileIO
from typing import Any, Final, Self

TERMINAL_VARIABLES: Final = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
"""The environment variables of a modern terminal."""
_TAKE_TERMINAL: Final = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execvp(sys.argv[1], sys.argv[1:])"
)
"""Makes the pseudo-terminal the controlling one, as in a real terminal, and becomes the command."""


@contextlib.contextmanager
def terminal_pair(size: tuple[int, int] = (80, 24)) -> Iterator[tuple[int, FileIO]]:
    """Both sides of a pseudo-terminal: ours, and the one that a command gets.

    Args:
        size: Columns and rows.
    """
    ours, theirs = open_terminal(size)
    with FileIO(ours), FileIO(theirs, "r+") as side:
        yield ours, side


def open_terminal(size: tuple[int, int]) -> tuple[int, int]:
    """Open a pseudo-terminal of so many columns and rows; whoever opens it closes both sides."""
    ours, theirs = os.openpty()
    set_size(ours, size)
    return ours, theirs


def set_size(terminal: int, size: tuple[int, int]) -> None:
    """Resize a terminal to these columns and rows; its process gets the signal."""
    columns, rows = size
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def read_terminal(terminal: int, patience: float | None = None) -> bytes:
    """What has been written to a terminal; empty if nothing comes, or nobody holds it any more.

    Args:
        terminal: Our side of it.
        patience: Seconds to wait for something; None waits for ever.
    """
    if not select.select([terminal], [], [], patience)[0]:
        return b""
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # EIO, as Linux says it: the other side was closed
        return b""


class PseudoTerminal:
    """A context that ends the command by its id."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        size: tuple[int, int] = (80, 24),
        environment: Mapping[str, str] | None = None,
        is_controlling: bool = True,
    ) -> None:
        """Start a command.

        Args:
            command: The program and its arguments.
            size: Columns and rows.
            environment: Variables beside those of this process.
            is_controlling: Whether the command is told when the terminal hangs up, as in a real
                one. It costs the start of an interpreter, which a benchmark does without.
        """
        self._master, theirs = open_terminal(size)
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _TAKE_TERMINAL, *command] if is_controlling else command,
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,
                env={**os.environ, **TERMINAL_VARIABLES, **(environment or {})},
            )
        finally:
            os.close(theirs)

    def __enter__(self) -> Self:
        """The terminal itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """End the command if it still runs, and close the terminal."""
        if self.is_running:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.hang_up()

    @property
    def is_running(self) -> bool:
        """Whether the command has not ended."""
        return self.process.poll() is None

    @property
    def is_stopped(self) -> bool:
        """Whether the command is suspended, as a shell sees it after Ctrl+Z."""
        seen = os.WSTOPPED | os.WNOHANG | os.WNOWAIT
        try:
            return os.waitid(os.P_PID, self.process.pid, seen) is not None
        except ChildProcessError:  # it has ended since it was last asked for
            return False

    def write(self, keys: str | bytes) -> None:
        """Type."""
        os.write(self._master, keys.encode() if isinstance(keys, str) else keys)

    def write_some(self, keys: bytes) -> int:
        """Type as many bytes as the terminal takes without waiting; returns how many."""
        os.set_blocking(self._master, False)
        try:
            return os.write(self._master, keys)
        except OSError:  # it takes none, or has hung up
            return 0
        finally:
            os.set_blocking(self._master, True)

    def read(self, patience: float | None) -> bytes:
        """What the command has written; empty if nothing comes within so many seconds."""
        return b"" if self._master < 0 else read_terminal(self._master, patience)

    def resize(self, size: tuple[int, int]) -> None:
        """Give the terminal so many columns and rows."""
        set_size(self._master, size)

    def unread(self) -> int:
        """Bytes that the command has written and nobody has read."""
        waiting = fcntl.ioctl(self._master, termios.FIONREAD, b"\0\0\0\0")
        return int(struct.unpack("I", waiting)[0])

    def attributes(self) -> list[Any]:
        """How the terminal treats what is typed and written, as `stty` tells it."""
        return termios.tcgetattr(self._master)

    def hang_up(self) -> None:
        """Close the terminal, as closing its window does."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1
