"""A large file that appears whole or not at all: written beside its place, then renamed."""

import io
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tui_charrnn.runs.file_system import FileSystem, explained, quietly


class FileBeside(io.RawIOBase):
    """Takes bytes one after another; its name is given when the context ends without a failure.

    Until then it is a hidden file beside, which a failure removes, and what had the name before is
    as it was.
    """

    def __init__(self, path: Path, file_system: FileSystem) -> None:
        """Begin the file.

        Args:
            path: The name that it gets.
            file_system: The operations of the system.

        Raises:
            StorageError: If the system refuses.
        """
        super().__init__()
        self._path, self._fs = path, file_system
        self._partial = path.with_name(f".{path.name}.partial")
        self.size = 0
        """Bytes written so far."""
        with explained("write", path):
            self._descriptor = file_system.open(
                self._partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            )

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any, /) -> int:
        """Append all of some bytes.

        Raises:
            StorageError: If the system refuses.
        """
        with explained("write", self._path), memoryview(data).cast("B") as view:
            written = 0
            while written < len(view):
                written += self._fs.write(self._descriptor, view[written:])
        self.size += written
        return written

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        try:
            self._finish(is_complete=error is None)
        except BaseException:
            self._remove()
            raise
        if error is not None:
            self._remove()

    def _finish(self, *, is_complete: bool) -> None:
        """Close the descriptor, after a sync if it was worth it, and give the name.

        Raises:
            StorageError: If the system refuses.
        """
        with explained("write", self._path):
            try:
                if is_complete:
                    self._fs.fsync(self._descriptor)
            finally:
                self._fs.close(self._descriptor)
            if is_complete:
                self._fs.replace(self._partial, self._path)
                self._fs.fsync_folder(self._path.parent)

    def _remove(self) -> None:
        with quietly():
            self._fs.remove(self._partial)
