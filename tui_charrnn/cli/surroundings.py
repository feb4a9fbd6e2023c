"""Looks at what surrounds a training: versions, folders, terminal."""

import errno
import fcntl
import importlib.metadata
import os
import platform
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tui_charrnn import __version__
from tui_charrnn.errors import RunError
from tui_charrnn.runs.catalogue import list_runs

_LIBRARIES: Final = {
    "TensorFlow": ("tensorflow", "tensorflow-cpu"),
    "Keras": ("keras",),
    "NumPy": ("numpy",),
    "Textual": ("textual",),
}
"""By the name that people know, the packages that bring it."""
NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})
"""How a file system says that it knows no locks."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that this program writes in."""

    path: str
    is_writable: bool
    """Whether it can be written in, or made."""
    free: int | None
    """Bytes that are free on its disk; None if the system does not tell."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """What the app would be shown on."""

    columns: int
    rows: int
    colors: str | None
    """`truecolor`, `256`, `standard` or `windows`; None for none."""
    locale: str
    """Of its characters, as the environment names it; empty if it does not."""


@dataclass(frozen=True, slots=True)
class Locks:
    """Whether two trainers on one run would know of each other, and who is at work."""

    are_known: bool
    """Whether the file system knows locks."""
    at_work: tuple[str, ...]
    """Names of the runs of the folder whose trainers are heard of."""
    lost: tuple[str, ...]
    """Names of those whose trainers are lost."""


def library_versions() -> dict[str, str | None]:
    """Versions by name, of ourselves and what we need; None where something is not installed.

    Nothing is imported for it, so a library that cannot be loaded has its version too.
    """
    found: dict[str, str | None] = {
        "charrnn-tui": __version__,
        "Python": platform.python_version(),
    }
    for name, packages in _LIBRARIES.items():
        versions = (_version_of(package) for package in packages)
        found[name] = next((version for version in versions if version), None)
    return found


def _version_of(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def look_at_folder(path: Path) -> Folder:
    """Ask whether a folder could be written in, without writing in it."""
    there = next(each for each in (path, *path.parents) if os.access(each, os.F_OK))
    try:
        free = shutil.disk_usage(there).free
    except OSError:
        free = None
    return Folder(str(path), there.is_dir() and os.access(there, os.W_OK | os.X_OK), free)


def look_at_terminal(environment: Mapping[str, str] = os.environ) -> Terminal | None:
    """Ask the terminal that one of the standard streams is; None if there is none."""
    size = _terminal_size()
    if size is None:
        return None
    # deferred: 60 ms; it judges colors for Textual too
    from rich.console import Console  # noqa: PLC0415  deferred, see above

    console = Console(force_terminal=True, _environ=environment)
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "")
    return Terminal(size.columns, size.lines, console.color_system, locale)


def look_at_locks(runs: Path) -> Locks:
    """Ask the file system of a folder, which need not exist, and look at its runs."""
    there = next(each for each in (runs, *runs.parents) if os.access(each, os.F_OK))
    by_verdict: dict[str, list[str]] = {}
    try:
        for summary in list_runs(runs):
            by_verdict.setdefault(summary.judge(time.time()) or "", []).append(summary.run.name)
    except RunError:  # a folder that cannot be read is told of where folders are judged
        by_verdict = {}
    at_work = [*by_verdict.get("alive", []), *by_verdict.get("silent", [])]
    return Locks(_knows_locks(there), tuple(at_work), tuple(by_verdict.get("lost", [])))


def _knows_locks(folder: Path) -> bool:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return True  # it cannot be asked
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in NO_LOCKS
    finally:
        os.close(descriptor)
    return True


def _terminal_size() -> os.terminal_size | None:
    for stream in (sys.__stdout__, sys.__stderr__, sys.__stdin__):
        try:
            if stream is not None and stream.isatty():
                return os.get_terminal_size(stream.fileno())
        except (OSError, ValueError):  # closed, or not a file
            continue
    return None
