"""A file that only grows, such as the records of a run."""

from pathlib import Path

from tui_charrnn.runs.file_system import FileSystem, explained, quietly


class AppendedFile:
    """A file that grows at its end and is never edited."""

    def __init__(self, path: Path, file_system: FileSystem, descriptor: int) -> None:
        self._path, self._fs, self._descriptor = path, file_system, descriptor

    def append(self, data: bytes) -> int:
        """Append with one write.

        Returns:
            How many of the bytes were taken; the caller appends the others later.

        Raises:
            StorageError: If the system refuses.
        """
        with explained("write", self._path):
            return self._fs.write(self._descriptor, data)

    def sync(self) -> None:
        """Wait until all that was appended is durable.

        Raises:
            StorageError: If the system refuses.
        """
        with explained("write", self._path):
            self._fs.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file; what was appended is as safe as `sync` made it."""
        with quietly():
            self._fs.close(self._descriptor)
