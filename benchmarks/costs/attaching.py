"""How soon the app shows a run, and how much memory it takes for it."""

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
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tui_charrnn.errors import RunError
from tui_charrnn.runs.layout import RunDirectory

COLUMNS, ROWS = 120, 36
_PATIENCE: Final = 60.0
"""Seconds for the whole history to be drawn."""
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
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "tui_charrnn", "attach", str(run.path)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
    )
    os.close(slave)
    try:
        seen = _wait_for_signs(master, signs, began)
        processor = _processor_seconds(process.pid)
        _read_for(master, _SETTLING)
        if process.poll() is not None:
            raise RunError("The app ended while it was looked at; open it by hand to see why.")
        resident, peak = _memory(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        _read_until_end(master, process)
        os.close(master)
    return Attached(seen["first frame"], seen["whole history"], processor, resident, peak)


def _wait_for_signs(
    master: int, signs: Mapping[str, re.Pattern[bytes]], began: float
) -> dict[str, float]:
    """Seconds from the beginning until each sign was drawn."""
    seen: dict[str, float] = {}
    drawn = bytearray()
    while len(seen) < len(signs):
        if time.monotonic() - began > _PATIENCE:
            missing = ", ".join(signs.keys() - seen.keys())
            raise RunError(f"Within {_PATIENCE:g} s the app did not draw: {missing}.")
        drawn += _read(master, 0.05)
        now = time.monotonic() - began
        for name, sign in signs.items():
            if name not in seen and sign.search(drawn):
                seen[name] = now
        del drawn[:-4096]
    return seen


def _read_for(master: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        _read(master, left)


def _read_until_end(master: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _PATIENCE
    while process.poll() is None:
        _read(master, 0.05)
        if time.monotonic() > end:
            process.kill()
            process.wait()


def _read(master: int, patience: float) -> bytes:
    if not select.select([master], [], [], patience)[0]:
        return b""
    try:
        return os.read(master, 1 << 16)
    except OSError:  # EIO: the app has ended
        time.sleep(min(patience, 0.05))
        return b""


def _processor_seconds(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> tuple[float, float]:
    """Megabytes that a process holds, and that it held at most."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return tuple(int(fields[name].split()[0]) / 1000 for name in ("VmRSS", "VmHWM"))  # type: ignore[return-value]
