"""Texts kept in the user's cache folder, each with its hash beside it."""

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from tui_charrnn.errors import StorageError
from tui_charrnn.text.cache_limit import cache_advice
from tui_charrnn.user_folders import cache_folder


def corpora_folder() -> Path:
    """Where corpora are kept.

    Raises:
        ConfigError: If CHARRNN_CACHE names no path.
    """
    return cache_folder() / "corpora"


@dataclass(frozen=True, slots=True)
class CachedText:
    """A file of the cache and the record of its hash; either may be missing or damaged."""

    path: Path

    @property
    def record(self) -> Path:
        """The file that holds the hash, in the format of the command sha256sum."""
        return self.path.with_name(f"{self.path.name}.sha256")

    @property
    def recorded_sha256(self) -> str | None:
        """The hash on record, in hexadecimal digits."""
        try:
            words = self.record.read_text(encoding="ascii", errors="replace").split()
        except OSError:
            return None
        return words[0] if words and len(words[0]) == 64 else None

    def is_intact(self, sha256: str | None) -> bool:
        """Whether the file is there and has the hash that is expected.

        Args:
            sha256: What it must hash to; none admits nothing.
        """
        if sha256 is None:
            return False
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except OSError:
            return False

    def store(self, data: bytes) -> str:
        """Keep a text: each file appears whole or not at all.

        Returns:
            The hash, now on record.

        Raises:
            StorageError: If the disk refuses.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _replace(self.path, data)
            _replace(self.record, f"{sha256}  {self.path.name}\n".encode())
        except OSError as error:
            raise StorageError(
                f"{self.path} cannot be written: {error.strerror}. To go on, {cache_advice(error)}."
            ) from error
        return sha256


def _replace(path: Path, data: bytes) -> None:
    # not tempfile: its files are for one user, and a cache may be shared by several
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
