"""All writing to disk, into a run or to a path given by the user.

Files are replaced, never edited: write a temporary file, fsync, rename, fsync the folder. A reader
always finds either the old or the new contents, even after a power failure. Exported files are
created atomically and are private to the user.
"""

import contextlib
import errno
import io
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TextIO

from tui_charrnn.errors import ConfigError, StorageError
from tui_charrnn.runs.file_system import (
    FileSystem,
    OpenedFile,
    file_system,
    folder_inside,
    is_missing,
    memory_errors_as_os_errors,
    quietly,
    storage_errors,
)


class WrittenFile(io.RawIOBase):
    """A file open for sequential writing; every failure is a `StorageError`."""

    def __init__(self, path: Path, file_system: FileSystem, descriptor: int) -> None:
        super().__init__()
        self._path, self._fs, self.descriptor = path, file_system, descriptor
        self.size = 0
        """Bytes written by `write` so far."""

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any, /) -> int:
        """Append all the data."""
        with storage_errors("write", self._path), memoryview(data).cast("B") as view:
            _write_all(self._fs, self.descriptor, view)
            self.size += len(view)
            return len(view)

    def write_once(self, data: bytes) -> int:
        """Append with one write.

        Returns:
            The number of bytes written; the caller appends the rest later.
        """
        with storage_errors("write", self._path):
            return self._fs.write(self.descriptor, data)

    def sync(self) -> None:
        """Wait until all written data is durable."""
        with storage_errors("write", self._path):
            self._fs.fsync(self.descriptor)

    def is_in_place(self) -> bool:
        """Whether the path still leads to this file; True if this cannot be determined.

        Data written to a removed or replaced file is lost.
        """
        try:
            with memory_errors_as_os_errors():
                named, opened = self._fs.lstat(self._path), self._fs.fstat(self.descriptor)
        except OSError as error:
            return not is_missing(error)
        return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)

    def close(self) -> None:
        """Close it; a second time does nothing."""
        if not self.closed:
            super().close()
            with storage_errors("write", self._path):
                self._fs.close(self.descriptor)  # a network file system may report a loss here


def _write_all(file_system: FileSystem, descriptor: int, data: bytes | memoryview) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file_system.write(descriptor, rest) :]


NO_LOCKS: Final = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""Errors of file systems without locks (Lustre without `-o flock`, some FUSE ones)."""


class Storage:
    """Durable writing; every failure is a `StorageError` with the path.

    Links are not followed when a file is opened, nor in folders `inside` a run.
    """

    def __init__(self, *, inside: Path | None = None) -> None:
        """Use the file system in use.

        Links below `inside`, the folder of a run, are not followed; it may be a link itself.
        """
        self._fs = file_system()
        self._inside = inside

    def write_atomically(self, path: Path, data: bytes, *, reserve: int = 0) -> None:
        """Replace a file's contents as `open_beside` does; on failure the old contents stay."""
        with self.open_beside(path, reserve=reserve) as file:
            file.write(data)

    def release_reserve(self, path: Path) -> None:
        """Remove the temporary file that `write_atomically` reserved."""
        with quietly(), self._folder(path.parent) as folder:
            self._fs.remove(self._partial(path), folder)

    def open_to_append(self, path: Path) -> WrittenFile:
        """Open a file for appending; created if missing."""
        with storage_errors("write", path), self._folder(path.parent) as folder:
            return self._open(path, path, os.O_APPEND, folder)

    @contextlib.contextmanager
    def open_beside(self, path: Path, *, reserve: int = 0) -> Iterator[WrittenFile]:
        """Open a file that gets its name, replacing an existing file, once it is complete.

        Inside the context it is a hidden file in the same folder. If the context fails, an existing
        file is unchanged, and the hidden file is removed. With `reserve`, the hidden file stays and
        gets so many bytes, so that the next write succeeds even on a full disk.
        """
        partial = self._partial(path)
        with contextlib.ExitStack() as resources:
            with storage_errors("write", path):
                folder = resources.enter_context(self._folder(path.parent))
            try:
                with storage_errors("write", path):
                    self._remove_foreign(partial, folder)
                    # overwritten and truncated, not emptied first: its space may be the last free
                    opened = self._open(partial, path, 0, folder)
                with opened as file:
                    yield file
                    with storage_errors("write", path):
                        self._fs.truncate(file.descriptor, file.size)
                    file.sync()
                with storage_errors("write", path):
                    self._fs.replace(partial, path, (folder, folder))
            except BaseException:
                if not reserve:
                    with quietly():
                        self._fs.remove(partial, folder)
                raise
            if reserve:
                with (
                    contextlib.suppress(StorageError),
                    storage_errors("write", path),
                    self._open(partial, path, 0, folder) as file,
                ):
                    file.write(bytes(reserve))
            with storage_errors("write", path):
                self._fs.fsync_folder(path.parent, folder)

    def lock(
        self, path: Path, holder: bytes | None, is_unused: Callable[[], bool]
    ) -> OpenedFile | None:
        """Take a lock, which the system releases when this process ends, and write the holder.

        The file is created if missing; without a holder, its contents are unchanged. On a file
        system without locks, `is_unused` says whether another process uses what is locked.

        Returns:
            The file, locked until it is closed; None if another process holds the lock.

        Raises:
            StorageError: If the system refuses for another reason.
        """
        with storage_errors("lock", path), contextlib.ExitStack() as on_failure:
            # in the run's own folder, so no folder above can be a link
            descriptor = self._fs.open(path, os.O_RDWR | os.O_CREAT)
            lock = on_failure.enter_context(OpenedFile(descriptor, self._fs))
            try:
                self._fs.lock(descriptor)
            except BlockingIOError:
                return None
            except OSError as error:
                if error.errno not in NO_LOCKS:
                    raise
                if not is_unused():
                    return None
            if holder is not None:
                self._fs.truncate(descriptor)
                _write_all(self._fs, descriptor, holder)
            on_failure.pop_all()
        return lock

    def make_folder(self, path: Path) -> None:
        """Make a folder and its missing parents."""
        with storage_errors("make the folder", path):
            missing = [folder for folder in (path, *path.parents) if not self._is_folder(folder)]
            for folder in reversed(missing):
                with self._folder(folder.parent) as above:
                    try:
                        self._fs.mkdir(folder, above)
                    except FileExistsError:
                        if not self._is_folder(folder):  # else another process was faster
                            raise
                    self._fs.fsync_folder(folder.parent, above)

    def rename(self, path: Path, new: Path) -> None:
        """Rename a file or a folder durably, within its file system.

        Replaces a file or an empty folder of the new name.
        """
        with (
            storage_errors("write", new),
            self._folder(path.parent) as old_folder,
            self._folder(new.parent) as new_folder,
        ):
            self._fs.replace(path, new, (old_folder, new_folder))
            self._fs.fsync_folder(new.parent, new_folder)
            if path.parent != new.parent:
                self._fs.fsync_folder(path.parent, old_folder)

    def remove_tree(self, path: Path) -> None:
        """Remove a file or a folder with its contents; do nothing if it is missing."""
        with storage_errors("remove", path), self._folder(path.parent) as folder:
            self._remove(path, folder)

    def _remove(self, path: Path, folder: int | None) -> None:
        """Remove a file, or a folder and its contents, without following links."""
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISDIR(self._fs.lstat(path, folder).st_mode):
                with folder_inside(path, path.parent, self._fs, opened=folder) as opened:
                    for name in sorted(self._fs.names(path, opened)):
                        self._remove(path / name, opened)
            self._fs.remove(path, folder)

    def _partial(self, path: Path) -> Path:
        """Return the path of the hidden file for new contents.

        A file `inside` a run has one writer, which finds what a killed one left; others may have
        several at the same time.
        """
        process = f".{os.getpid()}" if self._inside is None else ""
        return path.with_name(f".{path.name}{process}.partial")

    def _remove_foreign(self, path: Path, folder: int | None) -> None:
        """Remove a link, a pipe or a device in the place of a temporary file."""
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISREG(self._fs.lstat(path, folder).st_mode):
                self._fs.remove(path, folder)

    def _folder(self, path: Path) -> contextlib.AbstractContextManager[int | None]:
        return folder_inside(path, self._inside, self._fs)

    def _is_folder(self, path: Path) -> bool:
        """Whether a path is a folder, or a link to one if links are followed there."""
        try:
            with self._folder(path) as opened:
                return opened is not None or path.is_dir()
        except OSError as error:
            if is_missing(error):
                return False
            raise

    def _open(self, path: Path, shown_as: Path, flag: int, folder: int | None) -> WrittenFile:
        """Open a file for writing, created if missing; `shown_as` is its path in errors."""
        descriptor = self._fs.open(path, os.O_WRONLY | os.O_CREAT | flag, folder)
        return WrittenFile(shown_as, self._fs, descriptor)


_STREAMS: Final = ("/dev/", "/proc/")
"""Paths of already open files, such as /dev/stdout."""


@contextlib.contextmanager
def open_output(path: Path, *, overwrite: bool) -> Iterator[WrittenFile]:
    """Open a file for writing, which gets its name when the context ends without an error.

    A pipe or a device is written to and never replaced. Of a link, the target is replaced.
    `overwrite` allows replacing an existing file.

    Raises:
        ConfigError: If the path is a folder, is not writable by kind, or is taken.
        StorageError: If the system refuses; an existing file is unchanged.
    """
    if refuse_taken(path, overwrite=overwrite):
        with _open_stream(path) as stream:
            yield stream
    else:
        with Storage().open_beside(Path(os.path.realpath(path))) as file:
            yield file


@contextlib.contextmanager
def open_text_output(path: Path, *, overwrite: bool) -> Iterator[TextIO]:
    """Open as `open_output` does, for text in UTF-8 with its line ends unchanged."""
    with open_output(path, overwrite=overwrite) as file:
        text = io.TextIOWrapper(io.BufferedWriter(file), encoding="utf-8", newline="")
        yield text
        text.flush()
        text.detach().detach()  # otherwise they would close the file again


def refuse_taken(path: Path, *, overwrite: bool) -> bool:
    """Check that a file can be written at a path, before any work is done.

    Returns:
        Whether the path leads to a pipe or a device, which is written to and not replaced.

    Raises:
        ConfigError: As `open_output` does.
        StorageError: If its folder is missing or not writable, or this cannot be determined.
    """
    with storage_errors("write", path):
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            folder = Path(os.path.realpath(path)).parent
            folder.stat()
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from None
            return False
    if stat.S_ISCHR(mode) or stat.S_ISFIFO(mode):
        return True
    if stat.S_ISDIR(mode):
        raise ConfigError("{path} is a folder; give the name of a file.", path=path)
    if not stat.S_ISREG(mode):
        raise ConfigError("{path} is not a regular file; give another name.", path=path)
    is_open = str(path).startswith(_STREAMS)
    if not (overwrite or is_open):
        raise ConfigError(
            ("{path} already exists; choose another name, or overwrite it with --force."), path=path
        )
    return is_open


def _open_stream(path: Path) -> WrittenFile:
    with storage_errors("write", path):
        try:
            # does not block on a pipe without a reader
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno == errno.ENXIO:
                raise StorageError(
                    "Cannot write {path}: no program reads from it.", path=path
                ) from error
            raise
    os.set_blocking(descriptor, True)
    return WrittenFile(path, file_system(), descriptor)
