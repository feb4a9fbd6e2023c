"""The seeds that were submitted, kept from one session to the next.

One JSON string a line, readable by the user alone: what one types is nobody else's business.
"""

import os
import re
import stat
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tui_charrnn import lazy

KEPT: Final = 200
"""Seeds that are kept."""
LONGEST_SEED: Final = 10_000
"""Characters of a seed; a model reads them in some seconds, and one argument holds them."""
_MOST_LINES: Final = 2 * KEPT
_MOST_BYTES: Final = 8_000_000
"""What is read of a file that somebody else made long."""
_LINE_END: Final = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


class SeedHistory:
    """A file of seeds, the oldest first; each operation may raise OSError and loses nothing."""

    def __init__(self, path: Path) -> None:
        """Name the file; it need not exist.

        Args:
            path: The file, in a folder that is made if need be.
        """
        self._path = path
        self._lock = threading.Lock()

    def read(self) -> list[str]:
        """The newest seeds, the oldest first; lines that hold none are passed over."""
        return _newest(self._lines())

    def add(self, seed: str) -> None:
        """Write another seed behind the others, and drop old ones now and then."""
        with self._lock:
            self._append(seed)
            lines = self._lines()
            if len(lines) > _MOST_LINES:
                self._rewrite(_newest(lines))

    def _append(self, seed: str) -> None:
        line = _line_of(seed[-LONGEST_SEED:])
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # one write at the end of the file: two apps at once do not tear each other's lines
        descriptor = self._open(self._path, os.O_APPEND)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    def _lines(self) -> list[bytes]:
        try:
            # without waiting: a pipe of that name would never answer
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return []
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return []
            file.seek(max(status.st_size - _MOST_BYTES, 0))
            return file.read(_MOST_BYTES).split(b"\n")

    def _rewrite(self, seeds: Iterable[str]) -> None:
        partial = self._path.with_name(f".{self._path.name}.{os.getpid()}.partial")
        descriptor = self._open(partial, os.O_TRUNC)
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(map(_line_of, seeds))
        partial.replace(self._path)

    def _open(self, path: Path, flag: int) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | flag
        return os.open(path, flags, 0o600)


def _line_of(seed: str) -> bytes:
    return lazy.dumps(seed).encode() + b"\n"


def _newest(lines: Iterable[bytes]) -> list[str]:
    """The last seeds of a file, without repetitions in a row."""
    seeds: list[str] = []
    for line in lines:
        try:
            seed = lazy.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(seed, str) and seed and len(seed) <= LONGEST_SEED:
            seed = _LINE_END.sub("\n", seed)
            if seed not in seeds[-1:]:
                seeds.append(seed)
    return seeds[-KEPT:]
