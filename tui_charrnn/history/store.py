"""The history of generated texts: one SQLite file in the user's data folder, readable by them only.

It keeps the newest `LIMIT` texts, and the first `KEPT_CHARACTERS` of each. Several processes may
use it at once. Every call opens and closes the file, so threads can share a history.
"""

import itertools
import os
import sqlite3
import stat
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tui_charrnn.errors import HistoryError, ModelFileError, reason_of
from tui_charrnn.folders import data_folder
from tui_charrnn.history.generation import (
    COLUMNS,
    Entry,
    Generation,
    entry_of,
    file_sha256,
    row_of,
    storable,
    why_no_replay,
)
from tui_charrnn.invocation import command
from tui_charrnn.paths import find_kind
from tui_charrnn.translation import tr

VERSION: Final = 1
"""Version of the tables, stored as SQLite's `user_version`."""

_TABLE: Final = """
CREATE TABLE generations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL,
    length INTEGER NOT NULL,
    seed_text TEXT NOT NULL,
    text TEXT NOT NULL,
    sampling TEXT NOT NULL,
    rng_seed INTEGER NOT NULL,
    model TEXT NOT NULL,
    model_file BLOB,
    model_sha256 TEXT,
    hindrance TEXT NOT NULL
)
"""
_INDEX: Final = (
    """
    CREATE VIRTUAL TABLE generations_index USING fts5(
        seed_text, text, content='generations', content_rowid='id', tokenize='trigram'
    )
    """,
    """
    CREATE TRIGGER index_new AFTER INSERT ON generations BEGIN
        INSERT INTO generations_index(rowid, seed_text, text)
        VALUES (new.id, new.seed_text, new.text);
    END
    """,
    """
    CREATE TRIGGER index_gone AFTER DELETE ON generations BEGIN
        INSERT INTO generations_index(generations_index, rowid, seed_text, text)
        VALUES ('delete', old.id, old.seed_text, old.text);
    END
    """,
)
"""A trigram index, which finds substrings in any script."""


def has_index(database: sqlite3.Connection) -> bool:
    """Whether the database has a full-text index; not every SQLite supports it."""
    found = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'generations_index'")
    return found.fetchone() is not None


_PRIVATE: Final = 0o600
_LOCK_TIMEOUT: Final = 1.0  # seconds to wait for another process that is writing
_LOCKED: Final = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DAMAGED: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def make_private_file(path: Path) -> None:
    """Create the file if it is missing, and make it readable by the user only.

    Raises:
        HistoryError: If the file cannot be created.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # An existing file is not opened: closing it would release the POSIX locks that another
        # thread has on it.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE))
        mode = path.stat().st_mode
        if stat.S_ISREG(mode) and mode & ~_PRIVATE & 0o777:
            path.chmod(_PRIVATE)
    except OSError as error:
        raise HistoryError(_refusal(path, reason_of(error))) from error


@contextmanager
def open_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the database, with its tables created if needed; in memory if the file is missing.

    Raises:
        HistoryError: If it is damaged, locked, or of another version, if the disk fails, or if the
            body of the `with` statement raises `ValueError` for an invalid value.
    """
    with HistoryError.if_unreadable(tr("The history in {path}", path=path)):
        exists = find_kind(path) is not None
    address = f"{path.absolute().as_uri()}?mode=rw" if exists else "file::memory:"
    try:
        with closing(
            sqlite3.connect(address, uri=True, timeout=_LOCK_TIMEOUT, isolation_level=None)
        ) as database:
            database.execute("PRAGMA secure_delete = ON")  # deleted text is overwritten
            if _version_of(database) == 0:
                with transaction(database):
                    if _version_of(database) == 0:  # another process may have been first
                        _create(database)
            version = _version_of(database)
            if version != VERSION:
                raise HistoryError(
                    "The history in {path} has the format {version}, and this version of "
                    "the program knows {known}. Update the program, or move the file away.",
                    path=path,
                    version=version,
                    known=VERSION,
                )
            yield database
    except sqlite3.Error as error:
        raise HistoryError(_sentence(path, error)) from error
    except ValueError as error:
        raise HistoryError(_damage(path, str(error))) from error


def _version_of(database: sqlite3.Connection) -> int:
    """Return the version of the tables; 0 if there are none."""
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _create(database: sqlite3.Connection) -> None:
    """Create the tables, within a transaction."""
    database.execute(_TABLE)
    with suppress(sqlite3.OperationalError):  # SQLite without FTS5 or its trigram tokenizer
        for statement in _INDEX:
            database.execute(statement)
    database.execute(f"PRAGMA user_version = {VERSION}")


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Commit everything that the body writes, or nothing if it raises."""
    with database:
        database.execute("BEGIN IMMEDIATE")
        yield


def _sentence(path: Path, error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary result code
    if code in _LOCKED:
        return tr("The history in {path} is in use by another program; try again.", path=path)
    reason = tr(str(error))
    return _damage(path, reason) if code in _DAMAGED else _refusal(path, reason)


def _damage(path: Path, reason: str) -> str:
    return tr(
        "The history in {path} is damaged ({reason}). Move the file away; the next text starts "
        "a new one.",
        path=path,
        reason=reason,
    )


def _refusal(path: Path, reason: str) -> str:
    return tr("The history in {path} cannot be used: {reason}.", path=path, reason=reason)


_INDEXED: Final = 3  # shortest word that the trigram index finds
_AT_ONCE: Final = 64  # texts that are searched between two calls of `check`
LIMIT: Final = 10_000
"""Most texts of the history."""
TakenOut = tuple[object, ...]
"""The row of a text that was removed by `History.take_out`."""


def history_file() -> Path:
    """Return the path of the user's history, which need not exist."""
    return data_folder() / "history.sqlite"


class History:
    """The generated texts of a user.

    Every method raises `HistoryError` if the file is damaged, locked, or of a newer version, or if
    the disk fails; the message is a sentence for the user.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Set the path, by default that of the user's history; nothing is opened or created yet."""
        self.path: Final = path or history_file()

    def add(self, generations: Sequence[Generation], *, instead_of: int | None = None) -> list[int]:
        """Add texts, all or none, delete the text with the number `instead_of`, and keep `LIMIT`.

        Returns:
            Their numbers.
        """
        now, numbers = datetime.now(UTC), []
        make_private_file(self.path)
        with open_database(self.path) as database, transaction(database):
            if instead_of is not None:
                database.execute("DELETE FROM generations WHERE id = ?", (instead_of,))
            for generation in generations:
                row = row_of(generation, now)
                cursor = database.execute(
                    f"INSERT INTO generations ({COLUMNS}) VALUES ({', '.join('?' * len(row))})",
                    row,
                )
                numbers.append(int(cursor.lastrowid or 0))
            database.execute(
                "DELETE FROM generations WHERE id <= "
                "(SELECT id FROM generations ORDER BY id DESC LIMIT 1 OFFSET ?)",
                (LIMIT,),
            )
        return numbers

    def newest(self, count: int) -> list[Entry]:
        """Return the last texts, the newest first."""
        return self.search("", count)

    def get(self, number: int) -> Entry | None:
        """Return the text with a number, or None."""
        return self.read([number]).get(number)

    def search(self, query: str, count: int) -> list[Entry]:
        """Return the last texts with all words of a query, the newest first, as `find` does."""
        return list(self.read(self.find(query, most=count)).values())

    def find(
        self, query: str, check: Callable[[], object] = lambda: None, most: int | None = None
    ) -> list[int]:
        """Return the numbers of the texts that contain all words of a query, the newest first.

        Words are separated by whitespace. Each may occur in the seed text or the generated text,
        also as part of a longer word; case is ignored. An empty query matches every text.

        Args:
            query: The words.
            check: Called regularly during a long search; raises to cancel it.
            most: Maximum number of results; None for all.
        """
        with open_database(self.path) as database:
            indexed: list[str] = []
            others: list[str] = []
            is_indexed = has_index(database)
            for word in dict.fromkeys(split_query(query)):
                is_long = len(word) >= _INDEXED and "\0" not in word  # NUL would end the query
                if is_indexed and is_long:
                    indexed.append('"' + word.replace('"', '""') + '"')
                else:
                    others.append(word.casefold())
            where, values = "FROM generations", list[str]()
            if indexed:
                where += (
                    " WHERE id IN (SELECT rowid FROM generations_index"
                    " WHERE generations_index MATCH ?)"
                )
                values.append(" AND ".join(indexed))
            where += " ORDER BY id DESC"
            if others:
                rows = database.execute(f"SELECT id, seed_text, text {where}", values)
                return list(itertools.islice(_containing(rows, others, check), most))
            # a single row with all numbers, as fetching every row would take the GIL again
            (numbers,) = database.execute(
                f"SELECT group_concat(id) FROM (SELECT id {where} LIMIT ?)",
                (*values, -1 if most is None else most),
            ).fetchone()
            return [int(number) for number in numbers.split(",")] if numbers else []

    def read(self, numbers: Sequence[int]) -> dict[int, Entry]:
        """Return the texts with some numbers that exist, in the order of `numbers`."""
        if not numbers:
            return {}
        with open_database(self.path) as database:
            rows = database.execute(
                f"SELECT id, {COLUMNS} FROM generations WHERE id IN ({_listed(numbers)})"
            )
            entries = {entry.number: entry for entry in map(entry_of, rows)}
        return {number: entries[number] for number in numbers if number in entries}

    def remove(self, numbers: Sequence[int]) -> list[int]:
        """Delete texts permanently.

        Returns:
            The numbers of those that existed.
        """
        where = f"FROM generations WHERE id IN ({_listed(numbers)})"
        with open_database(self.path) as database, transaction(database):
            existing = {number for (number,) in database.execute(f"SELECT id {where}")}
            database.execute(f"DELETE {where}")
        return [number for number in dict.fromkeys(numbers) if number in existing]

    def take_out(self, number: int) -> TakenOut | None:
        """Delete a text and return its row for `put_back`; None if it does not exist."""
        with open_database(self.path) as database, transaction(database):
            row: TakenOut | None = database.execute(
                f"SELECT id, {COLUMNS} FROM generations WHERE id = ?", (number,)
            ).fetchone()
            database.execute("DELETE FROM generations WHERE id = ?", (number,))
            return row

    def put_back(self, taken: TakenOut) -> None:
        """Restore a text with its number."""
        with open_database(self.path) as database:
            database.execute(
                f"INSERT OR IGNORE INTO generations (id, {COLUMNS}) "
                f"VALUES ({', '.join('?' * len(taken))})",
                taken,
            )

    def clear(self) -> int:
        """Delete all texts permanently and free their disk space; return how many there were."""
        with open_database(self.path) as database:
            with transaction(database):
                count = database.execute("DELETE FROM generations").rowcount
                if has_index(database):
                    database.execute(
                        "INSERT INTO generations_index(generations_index) VALUES ('rebuild')"
                    )
            database.execute("VACUUM")
            return count

    def count(self) -> int:
        """Return the number of texts."""
        with open_database(self.path) as database:
            return int(database.execute("SELECT count(*) FROM generations").fetchone()[0])


def _listed(numbers: Sequence[int]) -> str:
    """Return numbers as an SQL list, as SQLite may allow only 999 parameters."""
    return ", ".join(map(str, numbers))


_SHOWN: Final = 12  # digits of a hash in messages


def find_entry(history: History, number: int) -> Entry:
    """Return the text with a number.

    Raises:
        HistoryError: If it does not exist, or the history cannot be read.
    """
    entry = history.get(number)
    if entry is None:
        raise HistoryError(
            "There is no text {number} in the history. List the texts with: {history}",
            number=number,
            history=command("history"),
        )
    return entry


def find_same_model(
    entry: Entry, *, may_differ: bool = False, kept: str = "", anyway: str = ""
) -> Path:
    """Return the file of the model that generated a text.

    Args:
        entry: The text.
        may_differ: Whether a file that has changed since is accepted.
        kept: A sentence on where to find the text; ends every error message.
        anyway: A sentence on how to use a changed file; ends the error message for one.

    Raises:
        HistoryError: If the text cannot be generated again, even with the file.
        ModelFileError: If the file is missing, unreadable, or has changed since.
    """
    model = entry.generation.model
    reason = why_no_replay(entry.generation)
    if model.file is None or (reason and not may_differ):
        sentence = tr(
            "Text {number} cannot be generated again: {reason}.",
            number=entry.number,
            reason=tr(reason),
        )
        raise HistoryError(_joined(sentence, kept))
    path = Path(model.file)
    try:
        sha256 = file_sha256(path)
    except FileNotFoundError:
        missing = tr(
            "The model of text {number} was deleted or moved: there is no file {path}.",
            number=entry.number,
            path=path,
        )
        raise ModelFileError(_joined(missing, kept)) from None
    except OSError as error:
        raise ModelFileError.unreadable(path, error) from error
    if sha256 != model.sha256 and not may_differ:
        changed = tr(
            "The model of text {number} has changed: the SHA-256 of {path} was {before}... and "
            "is {now}... now, so it would generate another text.",
            number=entry.number,
            path=path,
            before=(model.sha256 or "")[:_SHOWN],
            now=sha256[:_SHOWN],
        )
        raise ModelFileError(_joined(changed, kept, anyway))
    return path


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def split_query(query: str) -> list[str]:
    """Return the words of a query, in composed form as texts are."""
    return unicodedata.normalize("NFC", storable(query)).split()


def _containing(
    rows: Iterable[tuple[int, str, str]], words: list[str], check: Callable[[], object]
) -> Iterator[int]:
    """Yield the numbers of the rows in which every case-folded word occurs in a text."""
    for count, (number, *texts) in enumerate(rows):
        if count % _AT_ONCE == 0:
            check()
        folded = [text.casefold() for text in texts if isinstance(text, str)]  # not if damaged
        if all(any(word in text for text in folded) for word in words):
            yield number
