"""A file that only grows, such as the records of a run."""

from pathlib import Path

from tui_charrnn.runs.file_system import FileSystem, explained, is_missing, quietly, refusals


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

    def is_in_place(self) -> bool:
        """Whether the name still stands for this file; yes, if that cannot be found out.

        What is appended to a file that was removed or replaced is seen by nobody.
        """
        try:
            with refusals():
                there, ours = self._fs.look_at(self._path), self._fs.facts(self._descriptor)
        except OSError as error:
            return not is_missing(error)
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def close(self) -> None:
        """Close the file; what was appended is as safe as `sync` made it."""
        with quietly():
            self._fs.close(self._descriptor)
