"""A program in a pseudo-terminal whose screen nobody looks at."""

import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Final

from tests.support.pseudo_terminal import PseudoTerminal

_PATIENCE: Final = 10.0  # seconds for a program to end by itself


class UnseenTerminal(PseudoTerminal):
    """A context in which a program runs in a terminal of its own.

    What it draws is read and kept with the time at which it came, and nothing else is done with it:
    what the program costs others is then the program's own.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int,
        rows: int,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start the program.

        Args:
            command: Its name and arguments.
            columns: Width of the terminal.
            rows: Height of the terminal.
            environment: Variables beside those of this process.
        """
        self.began: Final = time.monotonic()
        self.pieces: list[tuple[float, bytes]] = []
        """What was drawn, and seconds from the start of the program until it came."""
        self.bytes_drawn = 0
        super().__init__(
            command, size=(columns, rows), environment=environment, is_controlling=False
        )
        self._reading = threading.Thread(target=self._read_all, name="terminal", daemon=True)
        self._reading.start()

    def __exit__(self, *failure: object) -> None:
        """End the program: asked by SIGTERM, then by force."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reading.join(_PATIENCE)
        self.hang_up()

    def _read_all(self) -> None:
        while data := self.read(None):
            self.pieces.append((time.monotonic() - self.began, data))
            self.bytes_drawn += len(data)
