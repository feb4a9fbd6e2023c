"""What the app costs when nothing happens: its text has ended, and nobody types."""

import sys
import time
from typing import Final

from benchmarks.costs.processor import share_of_a_core
from benchmarks.costs.pseudo_terminal import UnseenTerminal
from tui_charrnn.errors import RunError

_FASTEST: Final = b"\x06\x06\x06"
"""^f three times: as fast as it goes."""
_END: Final = b"2,000 characters."
_PATIENCE: Final = 60.0
_SETTLING: Final = 3.0


def measure_idling(rounds: int, seconds: float) -> list[float]:
    """Open the app, let its text come to its end, and watch it do nothing.

    Args:
        rounds: How often it is watched.
        seconds: How long each time.

    Returns:
        The share of a core of each time.

    Raises:
        RunError: If the text did not end.
    """
    program = [sys.executable, "-m", "tui_charrnn"]
    with UnseenTerminal(program, columns=120, rows=36) as terminal:
        _await(terminal, b"ROMEO:")
        terminal.write(_FASTEST)
        _await(terminal, _END)
        time.sleep(_SETTLING)
        shares = [share_of_a_core(terminal.process.pid, seconds) for _ in range(rounds)]
        if not terminal.is_running:
            raise RunError("The app ended while it was looked at; open it by hand to see why.")
    return shares


def _await(terminal: UnseenTerminal, sign: bytes) -> None:
    end = time.monotonic() + _PATIENCE
    while sign not in b"".join(data for _, data in terminal.pieces):
        if time.monotonic() > end:
            raise RunError(f"Within {_PATIENCE:g} s the app did not draw {sign.decode()!r}.")
        time.sleep(0.1)
