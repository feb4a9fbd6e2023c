"""The connections of another process beyond this machine, as Linux tells them."""

import os
from pathlib import Path
from typing import Final

_TABLES: Final = ("tcp", "tcp6", "udp", "udp6", "raw", "raw6")


def connections_of(pid: int) -> list[str]:
    """The sockets of a process that reach beyond this machine, or could, or listen."""
    families = _network_inodes()
    return [link for link in _sockets_of(pid) if _inode(link) in families]


def _sockets_of(pid: int) -> list[str]:
    """The sockets that a process has open."""
    links = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.append(os.readlink(entry))  # noqa: PTH115  it is no path
        except OSError:  # closed meanwhile
            continue
    return [link for link in links if link.startswith("socket:")]


def _inode(link: str) -> str:
    return link.removeprefix("socket:[").rstrip("]")


def _network_inodes() -> set[str]:
    """The numbers of all sockets that reach beyond this machine, or could."""
    found = set()
    for table in _TABLES:
        path = Path("/proc/net") / table
        rows = path.read_text(encoding="ascii").splitlines()[1:] if path.exists() else []
        found |= {row.split()[9] for row in rows}
    return found
