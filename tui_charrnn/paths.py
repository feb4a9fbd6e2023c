"""Validates every path that a user, an option, a variable or a setting names.

`parse_path` makes a path of a text, `find_kind` inspects it, `open_file` opens it; they never wait
for a pipe, a device or a socket. Every problem becomes one sentence.
"""

import contextlib
import errno
import io
import os
import stat
import time
from enum import StrEnum
from pathlib import Path
from typing import Final
from unicodedata import normalize

from tui_charrnn.errors import CharRNNError, ConfigError, DataError
from tui_charrnn.translation import tr

PIPE_PATIENCE = 5.0
"""Seconds to wait for the first byte of a pipe."""
_LONGEST_NAME: Final = 255
"""Maximum bytes of one part of a path, on every file system in common use."""
_LONGEST_PATH: Final = 4_095
"""Maximum bytes of a path on Linux; other systems report their limit themselves."""
_POLL_INTERVAL: Final = 0.01
"""Seconds between two reads of a pipe."""
_SHOWN: Final = 60
"""Maximum characters of a refused path that are quoted."""


class Kind(StrEnum):
    """The type of a file, links followed."""

    FILE = "a file"
    FOLDER = "a folder"
    PIPE = "a pipe"
    DEVICE = "a device"
    SOCKET = "a socket"


def parse_path(text: str | Path, name: str, *, error: type[CharRNNError] = ConfigError) -> Path:
    """Parse a path, with `~` and `~user` expanded.

    It is absolute, except for a relative one in a folder that was removed, which leads nowhere. As
    in a shell, `~name` is a file of that name if there is such a file and no such user.

    Errors call it by `name`: `--runs-dir`, `CHARRNN_CACHE`, `The text`.

    Raises:
        CharRNNError: The given class, if the path is not valid.
    """
    given = str(text)
    problem = tr("a path has at least one character") if not given.strip() else _problem_of(given)
    if not problem:
        try:
            path = _absolute(_expanded(given))
        except RuntimeError:  # raised by pathlib if there is no such user
            user = given[1:].partition("/")[0]
            problem = tr("you have no home folder")
            if user:
                problem = tr("there is no user {user!r}", user=user)
        else:
            problem = _problem_of(str(path))
            path = path if problem else stored_path(path)
    if problem:
        raise error(
            "{name} cannot be used as a path: {problem}. Received: {given}.",
            name=name,
            problem=problem,
            given=shortened(given),
        )
    return path


def stored_path(path: Path) -> Path:
    """A path as the file system spells it, if its names differ only in how they are composed.

    macOS writes Hangul and accents in parts (NFD), a keyboard types them composed (NFC), and other
    systems take these for two names. A path that exists, or leads nowhere, is returned unchanged.
    """
    if str(path).isascii() or not path.is_absolute() or os.path.lexists(path):
        return path
    found = Path(path.anchor)
    for part in path.parts[1:]:
        place, wanted = found / part, normalize("NFC", part)
        if not part.isascii() and not os.path.lexists(place):
            with contextlib.suppress(OSError):
                matches = (
                    each for each in found.iterdir() if normalize("NFC", each.name) == wanted
                )
                place = next(matches, place)
        found = place
    return found


def shortened(text: str) -> str:
    """A text in quotes, for an error; only the beginning of a long one."""
    if len(text) <= _SHOWN:
        return repr(text)
    return tr("{beginning!r}... ({count:,} characters)", beginning=text[:_SHOWN], count=len(text))


def real_path(path: Path) -> Path:
    """The path without links and `..`, as far as that can be resolved."""
    return Path(os.path.realpath(path))  # `resolve` fails on a loop of links


def find_kind(path: Path) -> Kind | None:
    """The type of a file; None if there is none. Nothing is opened.

    Raises:
        OSError: If it cannot be determined: a closed folder, a loop of links, a broken disk.
    """
    try:
        return _kind_of(os.stat(path))  # noqa: PTH116  takes names that pathlib refuses in its own way
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as refusal:  # a zero byte, or half of a surrogate pair
        raise OSError(errno.EINVAL, tr("it is not a path")) from refusal


def file_mark(path: Path) -> tuple[int, int, int] | None:
    """Time, inode and size of a file, which change when it is replaced; None if it is missing."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_ino, facts.st_size


def is_file(path: Path) -> bool:
    """Whether a path leads to a regular file; False if that cannot be determined."""
    with contextlib.suppress(OSError):
        return find_kind(path) is Kind.FILE
    return False


def is_folder(path: Path) -> bool:
    """Whether a path leads to a folder; False if that cannot be determined."""
    with contextlib.suppress(OSError):
        return find_kind(path) is Kind.FOLDER
    return False


def find_file(text: str | Path, name: str) -> Path:
    """The absolute path of a regular file that a text names; errors call it by `name`.

    Raises:
        DataError: If there is no such file, or it cannot be inspected.
    """
    path = parse_path(text, name, error=DataError)
    with DataError.if_unreadable(f"{name} {path}"):
        kind = find_kind(path)
    if kind is None:
        raise DataError("{name} cannot be read: there is no file {path}.", name=name, path=path)
    if kind is not Kind.FILE:
        raise DataError(
            "{name} cannot be read: {path} is {kind}, not a file.",
            name=name,
            path=path,
            kind=tr(kind),
        )
    return path


def open_file(path: Path, *, allow_pipes: bool = False) -> io.BufferedReader:
    """Open a regular file to read its bytes; it never waits for anything else.

    With `allow_pipes`, a pipe with a writer is opened too, as of `<(zcat text.gz)`.

    Raises:
        OSError: If it cannot be opened, or is something else.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as refusal:
        raise OSError(errno.EINVAL, tr("it is not a path")) from refusal
    except OSError as refusal:
        if refusal.errno == errno.ENXIO:  # the error of opening a socket
            raise _not_a_file(Kind.SOCKET, path) from refusal
        raise
    with contextlib.ExitStack() as on_failure:
        on_failure.callback(os.close, descriptor)
        kind = _kind_of(os.fstat(descriptor))
        if kind is Kind.PIPE and allow_pipes:
            file = _await_writer(descriptor)
        elif kind is Kind.FILE:
            os.set_blocking(descriptor, True)
            file = os.fdopen(descriptor, "rb")
        else:
            raise _not_a_file(kind, path)
        on_failure.pop_all()
        return file


def _not_a_file(kind: Kind, path: Path) -> OSError:
    return OSError(errno.EINVAL, tr("it is {kind}, not a file", kind=tr(kind)), str(path))


class _StartedPipe(io.RawIOBase):
    """A pipe whose first byte was already read."""

    def __init__(self, first: bytes, descriptor: int) -> None:
        super().__init__()
        self._first, self._file = first, io.FileIO(descriptor)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int | None:  # type: ignore[override]
        if self._first and len(buffer):
            buffer[:1], self._first = self._first, b""
            return 1
        return self._file.readinto(buffer)

    def close(self) -> None:
        super().close()
        self._file.close()


def _await_writer(descriptor: int) -> io.BufferedReader:
    """Wait until a pipe has a writer; return the pipe, opened to read its bytes.

    Raises:
        OSError: If none opens it in time.
    """
    deadline = time.monotonic() + PIPE_PATIENCE
    first = b""
    try:
        while not (first := os.read(descriptor, 1)):  # no writer yet, or it has closed the pipe
            if time.monotonic() >= deadline:
                raise OSError(errno.EPIPE, tr("it is a pipe that nobody writes into"))
            time.sleep(_POLL_INTERVAL)
    except BlockingIOError:
        pass  # a writer that has written nothing yet
    os.set_blocking(descriptor, True)
    return io.BufferedReader(_StartedPipe(first, descriptor))


def _kind_of(facts: os.stat_result) -> Kind:
    mode = facts.st_mode
    if stat.S_ISREG(mode):
        return Kind.FILE
    if stat.S_ISDIR(mode):
        return Kind.FOLDER
    if stat.S_ISFIFO(mode):
        return Kind.PIPE
    return Kind.SOCKET if stat.S_ISSOCK(mode) else Kind.DEVICE


def _expanded(given: str) -> Path:
    path = Path(given)
    try:
        return path.expanduser()
    except RuntimeError:
        if os.path.lexists(path):
            return path
        raise


def _absolute(path: Path) -> Path:
    try:
        return path.absolute()
    except FileNotFoundError:  # the current folder was removed
        return path


def _problem_of(path: str) -> str:
    """Why a path is not valid; empty if it is."""
    if "\0" in path:
        return tr("it has a character that is zero (NUL)")
    try:
        encoded = os.fsencode(path)
    except UnicodeEncodeError:
        return tr("it has a character that no file name has")
    longest = max(map(len, encoded.split(b"/")))
    if longest > _LONGEST_NAME:
        return tr(
            "a name has at most {most} bytes, and one of it has {longest:,}",
            most=_LONGEST_NAME,
            longest=longest,
        )
    if len(encoded) > _LONGEST_PATH:
        return tr(
            "it has {size:,} bytes; {most:,} are allowed",
            size=len(encoded),
            most=_LONGEST_PATH,
        )
    return ""
