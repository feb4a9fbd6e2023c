"""The history of generated texts: one SQLite file in the user's data folder, for the user alone.

Bounded: the newest `LIMIT` texts are kept, and of a very long one the first `KEPT_CHARACTERS`.
Several programs may use it at once. Every call opens the file and closes it again, so a history can
be shared by threads.
"""

import os
import sqlite3
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import platformdirs

from tui_charrnn.errors import HistoryError
from tui_charrnn.history.generation import Entry, Generation
from tui_charrnn.history.rows import COLUMNS, entry_of, row_of, storable
from tui_charrnn.history.schema import VERSION, has_index, prepare, transaction

LIMIT: Final = 10_000
"""Texts that are kept."""
_PRIVATE: Final = 0o600
_PATIENCE: Final = 1.0
"""Seconds to wait for another program that is writing."""
_INDEXED: Final = 3
"""Characters that a word needs for the index of three neighbors to know it."""
_LARGEST: Final = 2**63 - 1
"""Number that SQLite can hold."""
_LOCKED: Final = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DAMAGED: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def history_file() -> Path:
    """Where the history is: in the user's data folder. It need not exist."""
    return Path(platformdirs.user_data_dir("charrnn-tui", appauthor=False)) / "history.sqlite"


class History:
    """The texts of a user.

    Every method raises `HistoryError` if the file is damaged, locked, or of a newer version, or if
    the disk refuses; the message is a sentence for the user.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Name a history; nothing is opened or made yet.

        Args:
            path: Its file; None is the user's own.
        """
        self.path: Final = path or history_file()

    def add(self, generation: Generation) -> int:
        """Keep a text, and let go of the oldest beyond `LIMIT`.

        Returns:
            Its number.
        """
        row = row_of(generation, datetime.now(UTC))
        self._make_file()
        with self._open() as database, transaction(database):
            cursor = database.execute(
                f"INSERT INTO generations ({COLUMNS}) "  # noqa: S608  all ours
                f"VALUES ({', '.join('?' * len(row))})",
                row,
            )
            database.execute(
                "DELETE FROM generations WHERE id <= "
                "(SELECT id FROM generations ORDER BY id DESC LIMIT 1 OFFSET ?)",
                (LIMIT,),
            )
            return int(cursor.lastrowid or 0)

    def newest(self, count: int) -> list[Entry]:
        """The last texts, the newest first."""
        return self._select("1", (), count)

    def get(self, number: int) -> Entry | None:
        """The text of a number, or None if there is none."""
        found = self._select("id = ?", (number,), 1) if number <= _LARGEST else []
        return found[0] if found else None

    def search(self, words: str, count: int) -> list[Entry]:
        """The last texts that hold all of some words, in the seed text or after, newest first.

        Args:
            words: With blanks between; each is found within longer words too, and whether in
                capitals or not.
            count: How many texts at most.
        """
        wanted = unicodedata.normalize("NFC", storable(words)).split()
        if not wanted:
            return []
        if min(map(len, wanted)) >= _INDEXED and self._has_index():
            phrases = " AND ".join('"' + word.replace('"', '""') + '"' for word in wanted)
            condition = (
                "id IN (SELECT rowid FROM generations_index WHERE generations_index MATCH ?)"
            )
            return self._select(condition, (phrases,), count)
        condition = " AND ".join(["holds(?, seed_text, text)"] * len(wanted))
        return self._select(condition, wanted, count)

    def remove(self, numbers: Sequence[int]) -> list[int]:
        """Delete texts for good.

        Returns:
            The numbers of those that there were.
        """
        if not self.path.exists():
            return []
        with self._open() as database, transaction(database):
            return [
                number
                for number in dict.fromkeys(numbers)
                if number <= _LARGEST
                and database.execute("DELETE FROM generations WHERE id = ?", (number,)).rowcount
            ]

    def clear(self) -> int:
        """Delete all texts for good, and give their room on the disk back; return how many."""
        if not self.path.exists():
            return 0
        with self._open() as database:
            with transaction(database):
                count = database.execute("DELETE FROM generations").rowcount
                if has_index(database):
                    database.execute(
                        "INSERT INTO generations_index(generations_index) VALUES ('rebuild')"
                    )
            database.execute("VACUUM")
            return count

    def count(self) -> int:
        """How many texts there are."""
        if not self.path.exists():
            return 0
        with self._open() as database:
            return int(database.execute("SELECT count(*) FROM generations").fetchone()[0])

    def _select(self, condition: str, values: Sequence[object], count: int) -> list[Entry]:
        if not self.path.exists():
            return []
        with self._open() as database:
            rows = database.execute(
                f"SELECT id, {COLUMNS} FROM generations WHERE {condition} "  # noqa: S608  all ours
                "ORDER BY id DESC LIMIT ?",
                (*values, count),
            ).fetchall()
            return [entry_of(row) for row in rows]

    def _has_index(self) -> bool:
        if not self.path.exists():
            return False
        with self._open() as database:
            return has_index(database)

    def _make_file(self) -> None:
        """Make the file if there is none; whoever it was made by, only the user may read it."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE)
            try:
                if os.fstat(descriptor).st_mode & ~_PRIVATE & 0o777:
                    os.fchmod(descriptor, _PRIVATE)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise HistoryError(self._refusal(error.strerror or str(error))) from error

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        address = f"{self.path.absolute().as_uri()}?mode=rw"
        try:
            with closing(
                sqlite3.connect(address, uri=True, timeout=_PATIENCE, isolation_level=None)
            ) as database:
                version = prepare(database)
                if version != VERSION:
                    raise HistoryError(
                        f"The history in {self.path} has the format {version}, and this version of "
                        f"the program knows {VERSION}. Update the program, or move the file away."
                    )
                yield database
        except sqlite3.Error as error:
            raise HistoryError(self._sentence(error)) from error
        except ValueError as error:  # a value that is none of ours
            raise HistoryError(self._damage(str(error))) from error

    def _sentence(self, error: sqlite3.Error) -> str:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest tells more than is needed
        if code in _LOCKED:
            return f"The history in {self.path} is in use by another program; try again."
        reason = str(error)
        return self._damage(reason) if code in _DAMAGED else self._refusal(reason)

    def _damage(self, reason: str) -> str:
        return (
            f"The history in {self.path} is damaged ({reason}). Move the file away, and a new one "
            "is begun with the next text."
        )

    def _refusal(self, reason: str) -> str:
        return f"The history in {self.path} cannot be used: {reason}."
