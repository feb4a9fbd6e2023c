"""Which machine, which boot and which process this is, as a run's files say it."""

import contextlib
import os
import socket
import time
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PROCESS_SPACE = Path("/proc/self/ns/pid")


def host_name() -> str:
    """The name of this machine."""
    return socket.gethostname()


def boot_id() -> str:
    """An identifier of this boot of this kernel and of this space of process numbers.

    A container may share the host's name and kernel and still number its processes by itself, so
    the number of that space is part of it. Empty where it is not known (not Linux).
    """
    try:
        boot = _BOOT_ID.read_text(encoding="ascii").strip()
        return f"{boot}/{_PROCESS_SPACE.readlink()}"
    except OSError:
        return ""


def seconds_since_start() -> float:
    """Seconds that this process has been running; 0 where it is not known (not Linux)."""
    try:
        # the name of the program, which may hold anything, ends at the last parenthesis
        fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
        ticks = int(fields[19])  # field 22 of the line, counting from the first: starttime
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        return max(0.0, now - ticks / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError, AttributeError):
        return 0.0


def process_exists(pid: int) -> bool:
    """Whether a process of that number runs here; one that ended and waits for its parent, no."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # it is there, and somebody else's
    with contextlib.suppress(OSError, IndexError):
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
        return state not in {b"Z", b"X"}
    return True
