"""Paths as they are typed and as terminals paste them, and how they may go on."""

import os
import re
import shlex
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from tui_charrnn.errors import ConfigError
from tui_charrnn.paths import parse_path
from tui_charrnn.safe_text import safe_line

LOOKED_AT: Final = 20_000
"""Entries of a folder that are looked at, at most."""
PATIENCE: Final = 2.0
"""Seconds after which what was found so far has to do."""
SHOWN: Final = 50
"""Candidates that are offered, at most."""
_NEXT_PATH: Final = re.compile(r"\s+(?=/|~/|file://)")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to go on with a typed path."""

    path: str
    """All that would stand in the field; a folder ends with a slash."""
    name: str
    """Its last part, a slash included."""
    size: int | None
    """Bytes of a file; None of a folder."""


@dataclass(frozen=True, slots=True)
class Completion:
    """How a typed path may go on."""

    typed: str
    candidates: tuple[Candidate, ...] = ()
    """Folders and text files alike, in the order of their names."""
    is_there: bool = False
    """Whether what is typed names a file already."""


def complete_path(typed: str, check_cancelled: Callable[[], None]) -> Completion:
    """Look how a typed path may go on: folders and regular files, never devices or pipes.

    Hidden entries are offered once a dot is typed, and none whose names a terminal would not
    survive. Nothing is opened.

    Args:
        typed: What stands in the field; a leading `~` is understood.
        check_cancelled: Called for every entry; it raises to give the search up.
    """
    start, slash, beginning = typed.rpartition("/")
    if not slash and not typed.startswith("~"):
        folder = Path()
    elif not slash:
        return Completion(typed)  # `~name`: other people's homes are not listed
    else:
        try:
            folder = parse_path(start + slash, "The folder")
        except ConfigError:  # `~name` without such a user
            return Completion(typed)
    found, is_there = [], False
    for entry in _entries(folder, beginning, check_cancelled):
        is_folder, size = _kind(entry)
        if is_folder is None:
            continue
        if entry.name == beginning and not is_folder:
            is_there = True
            continue
        name = f"{entry.name}/" if is_folder else entry.name
        found.append(Candidate(start + slash + name, name, size))
    found.sort(key=lambda candidate: (candidate.name.casefold(), candidate.name))
    return Completion(typed, tuple(found[:SHOWN]), is_there)


def _entries(
    folder: Path, beginning: str, check_cancelled: Callable[[], None]
) -> Iterable["os.DirEntry[str]"]:
    deadline = time.monotonic() + PATIENCE
    try:
        with os.scandir(folder) as entries:
            for number, entry in enumerate(entries):
                check_cancelled()
                if number >= LOOKED_AT or time.monotonic() > deadline:
                    return
                is_hidden = entry.name.startswith(".") and not beginning.startswith(".")
                is_safe = safe_line(entry.name) == entry.name
                if entry.name.startswith(beginning) and not is_hidden and is_safe:
                    yield entry
    except (OSError, ValueError):
        return  # no such folder, or none that may be read: nothing to offer


def _kind(entry: "os.DirEntry[str]") -> tuple[bool | None, int | None]:
    """Whether an entry is a folder, and the bytes of a file; None of anything else."""
    try:
        if entry.is_dir():
            return True, None
        return (False, entry.stat().st_size) if entry.is_file() else (None, None)
    except OSError:  # a link to nowhere
        return None, None


def dropped_paths(pasted: str) -> tuple[str, ...]:
    """The paths of what was pasted, if it is what a terminal pastes for files that are dropped.

    In quotes, with backslashes before spaces, as `file://` addresses, or plain; one or several,
    with spaces or line ends between.

    Returns:
        Absolute paths, or such that begin with `~`; none if it is anything else.
    """
    words = [word for line in pasted.strip().splitlines() for word in _words(line.strip())]
    paths = [unquote(urlsplit(word).path) if word.startswith("file://") else word for word in words]
    return tuple(paths) if all(path.startswith(("/", "~")) for path in paths) else ()


def clean_path(typed: str) -> str:
    """A typed path without quotes around it, and a `file://` address as the path."""
    text = typed.strip()
    paths = dropped_paths(text) if text.startswith(("'", '"', "file://")) else ()
    return paths[0] if len(paths) == 1 else text


def _words(line: str) -> list[str]:
    """The paths of a line as they stand there, quotes and backslashes taken off."""
    if line.startswith(("'", '"')) or "\\" in line:
        try:
            return shlex.split(line)
        except ValueError:  # a quote that is not closed
            return [""]
    return _NEXT_PATH.split(line)
