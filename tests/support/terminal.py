"""A terminal with a screen: runs a command, types, and shows what a terminal would show."""

import re
import select
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import pyte
from rich.cells import cell_len

from tests.support.pseudo_terminal import PseudoTerminal

_MODE: Final = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")
_ON_AT_FIRST: Final = frozenset({7, 25})
"""Modes that a terminal is in before anybody has asked for anything: wrapping, a cursor."""


def app_command(model: Path, runs: Path, *words: str) -> list[str]:
    """The command line that opens the app on a model, with runs in a folder."""
    program = [sys.executable, "-m", "tui_charrnn"]
    return [*program, "--model", str(model), "--runs-dir", str(runs), *words]


def _row_text(cells: Sequence[str]) -> str:
    """The text of a row; what is left of a wide character that was drawn over is a space."""
    shown = []
    for before, cell in zip(("", *cells), cells, strict=False):
        if cell or cell_len(before) < 2:
            shown.append(cell or " ")
    return "".join(shown)


class Terminal(PseudoTerminal):
    """A command in a pseudo-terminal of its own, whose screen can be read."""

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
            is_controlling: Whether the command is told when the terminal hangs up.
        """
        self.raw = bytearray()
        """All that the command has written."""
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        super().__init__(command, size=size, environment=environment, is_controlling=is_controlling)

    @property
    def text(self) -> str:
        """What the screen shows, row by row; a wide character takes one place, not two."""
        rows = (self._screen.buffer[number] for number in range(self._screen.lines))
        return "\n".join(
            _row_text([row[column].data for column in range(self._screen.columns)]) for row in rows
        )

    @property
    def cursor(self) -> tuple[int, int]:
        """Column and row of the cursor, where an input method draws what is being composed."""
        return self._screen.cursor.x, self._screen.cursor.y

    def read(self, patience: float | None) -> bytes:
        """What the command has written, which is on the screen now."""
        data = super().read(patience)
        self.raw += data
        self._stream.feed(data)
        return data

    def wait_for(
        self, claim: str, predicate: Callable[[], bool], *, limit: float = 120.0, reads: bool = True
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
            if not (reads and self.read(0.05)):
                select.select([], [], [], 0.01)

    def wait_for_text(self, text: str, *, limit: float = 120.0) -> None:
        """Read until the screen shows a text."""
        self.wait_for(f"the screen shows {text!r}", lambda: text in self.text, limit=limit)

    def wait_for_end(self, *, limit: float = 120.0, reads: bool = True) -> int:
        """Wait until the command has ended, read the rest, and return its exit code."""
        self.wait_for("the end", lambda: not self.is_running, limit=limit, reads=reads)
        while reads and self.read(0.0):
            pass
        return self.process.wait()

    def private_modes(self) -> dict[int, bool]:
        """Every private mode that was ever set or reset, and whether it is set now."""
        modes = {}
        for match in _MODE.finditer(bytes(self.raw)):
            for number in match[1].split(b";"):
                modes[int(number)] = match[2] == b"h"
        return modes

    def left_changed(self) -> list[int]:
        """The private modes that are not as they were before the command."""
        return [
            mode
            for mode, is_on in self.private_modes().items()
            if is_on is not (mode in _ON_AT_FIRST)
        ]
