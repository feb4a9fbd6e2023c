"""A file that a user names to be written: it appears whole or not at all, for the user alone."""

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

from tui_charrnn.errors import ConfigError, StorageError
from tui_charrnn.runs.file_system import explained
from tui_charrnn.runs.storage import FileBeside, Storage

_STREAMS: Final = ("/dev/", "/proc/")
"""Where a path names something that is open, such as /dev/stdout."""


class Stream(io.RawIOBase):
    """A pipe or a device, which is written to as it is."""

    def __init__(self, path: Path, descriptor: int) -> None:
        super().__init__()
        self._path, self._descriptor = path, descriptor
        self.size = 0
        """Bytes written so far."""

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any, /) -> int:
        """Write all of some bytes."""
        with explained("write", self._path), memoryview(data).cast("B") as view:
            written = 0
            while written < len(view):
                written += os.write(self._descriptor, view[written:])
        self.size += written
        return written

    def close(self) -> None:
        """Close it; a second time does nothing."""
        if not self.closed:
            super().close()
            os.close(self._descriptor)


OutputFile: TypeAlias = FileBeside | Stream


@contextmanager
def open_output(path: Path, *, overwrite: bool) -> Iterator[OutputFile]:
    """Open a file to be written, which gets its name when the context ends without a failure.

    A pipe or a device is written to and never replaced. Where a link has the name, what it leads to
    is replaced.

    `overwrite` lets a file that has the name give way.

    Raises:
        ConfigError: If the name is a folder's or nothing that could be written to, or is taken.
        StorageError: If the system refuses; what was there is as it was.
    """
    with explained("write", path):
        mode = _mode(path)
    if mode is not None and _is_stream(path, mode):
        with _open_stream(path) as stream:
            yield stream
        return
    _refuse_target(path, mode, overwrite=overwrite)
    with Storage().open_beside(Path(os.path.realpath(path))) as file:
        yield file


def refuse_taken(path: Path, *, overwrite: bool) -> None:
    """Make sure that a file can be written at a path, before work is put into it.

    Raises:
        ConfigError: As `open_output` does.
        StorageError: If that cannot be found out.
    """
    with explained("write", path):
        mode = _mode(path)
    if mode is None or not _is_stream(path, mode):
        _refuse_target(path, mode, overwrite=overwrite)


def _refuse_target(path: Path, mode: int | None, *, overwrite: bool) -> None:
    """Refuse what is no file that may give way; `mode` is that of what is there, if anything is."""
    if mode is None:
        return
    if stat.S_ISDIR(mode):
        raise ConfigError("{path} is a folder; give the name of a file.", path=path)
    if not stat.S_ISREG(mode):
        raise ConfigError("{path} is no file that could be written; give another name.", path=path)
    if not overwrite:
        raise ConfigError("{path} exists already; choose another name, or --force it.", path=path)


def _mode(path: Path) -> int | None:
    """What is there, behind any links; None if nothing is."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _is_stream(path: Path, mode: int) -> bool:
    if stat.S_ISCHR(mode) or stat.S_ISFIFO(mode):
        return True
    return stat.S_ISREG(mode) and str(path).startswith(_STREAMS)


@contextmanager
def _open_stream(path: Path) -> Iterator[Stream]:
    with explained("write", path):
        try:
            # a pipe without a reader is not waited for
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno == errno.ENXIO:
                raise StorageError("Cannot write {path}: nobody reads it.", path=path) from error
            raise
    os.set_blocking(descriptor, True)
    with Stream(path, descriptor) as stream:
        yield stream
