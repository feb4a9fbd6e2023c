"""What the figures were measured on, and whether it was quiet."""

import os
import platform
import sys
from datetime import UTC, datetime
from typing import Final

from tui_charrnn.training.machine import processor_name, thread_count

QUIET_LOAD: Final = 0.5
"""Above this load average of the last minute, somebody else is at work."""


def describe_machine() -> dict[str, str]:
    """Date, processor, threads, system, Python, and the load at this moment."""
    threads = thread_count(None)
    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "processor": processor_name(),
        "threads": str(threads),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": f"{os.getloadavg()[0]:.2f}",
    }


def warn_unless_quiet() -> None:
    """Say on standard error that the machine is busy, if it is: figures are then of little use."""
    load = os.getloadavg()[0]
    if load > QUIET_LOAD:
        print(
            f"The load average of the last minute is {load:.2f}: something else is at work on this "
            "machine. Ratios may still hold; rates do not.",
            file=sys.stderr,
        )
