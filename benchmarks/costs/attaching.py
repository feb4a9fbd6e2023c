"""How soon the app shows a run, and how much memory it takes for it."""

import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.costs.processor import processor_seconds
from benchmarks.costs.pseudo_terminal import UnseenTerminal
from tui_charrnn.errors import RunError
from tui_charrnn.runs.layout import RunDirectory

COLUMNS, ROWS = 120, 36
_PATIENCE: Final = 60.0
"""Seconds for the whole history to be drawn."""
_LONGEST_SIGN: Final = 64  # bytes; one may be cut by two reads
_SETTLING: Final = 2.0
"""Seconds after which memory is read, so that what follows the history is in it."""


@dataclass(frozen=True, slots=True)
class Attached:
    """One start of the app on one run, from the start of its process."""

    first_frame: float
    """Seconds until the app had drawn itself."""
    whole_history: float
    """Seconds until the chart read out the last batch."""
    processor: float
    """Seconds of processor time until then: less than the wait where others are at work."""
    resident: float
    """MB of memory after that."""
    peak: float
    """MB of memory at most."""


def measure_attaching(run: RunDirectory, last_step: int) -> Attached:
    """Open a run in a terminal, wait until all of it is drawn, and close it.

    Args:
        run: The run.
        last_step: Of its last batch.

    Raises:
        RunError: If the app ended or took far too long.
    """
    signs = {
        "first frame": re.compile(rb"charrnn-tui"),
        # the status line says "step 1,000/1,000", the chart "step 1,000" alone
        "whole history": re.compile(rb"step %b(?![0-9,/])" % f"{last_step:,}".encode()),
    }
    command = [sys.executable, "-m", "tui_charrnn", "attach", str(run.path)]
    with UnseenTerminal(command, columns=COLUMNS, rows=ROWS) as terminal:
        seen = _wait_for_signs(terminal, signs)
        processor = processor_seconds(terminal.process.pid)
        time.sleep(_SETTLING)
        if not terminal.is_running:
            raise RunError("The app ended while it was looked at; open it by hand to see why.")
        resident, peak = _memory(terminal.process.pid)
    return Attached(seen["first frame"], seen["whole history"], processor, resident, peak)


def _wait_for_signs(
    terminal: UnseenTerminal, signs: Mapping[str, re.Pattern[bytes]]
) -> dict[str, float]:
    """Seconds from the beginning until each sign was drawn."""
    seen: dict[str, float] = {}
    drawn, taken = b"", 0
    while len(seen) < len(signs):
        if time.monotonic() - terminal.began > _PATIENCE:
            missing = ", ".join(signs.keys() - seen.keys())
            raise RunError(f"Within {_PATIENCE:g} s the app did not draw: {missing}.")
        time.sleep(0.01)
        for seconds, piece in terminal.pieces[taken:]:
            taken += 1
            drawn = drawn[-_LONGEST_SIGN:] + piece
            for name, sign in signs.items():
                if name not in seen and sign.search(drawn):
                    seen[name] = seconds
    return seen


def _memory(pid: int) -> tuple[float, float]:
    """Megabytes that a process holds, and that it held at most."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return tuple(int(fields[name].split()[0]) / 1000 for name in ("VmRSS", "VmHWM"))  # type: ignore[return-value]
