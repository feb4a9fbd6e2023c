"""The database of the history: its schema, opening it, and transactions."""

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from tui_charrnn.errors import HistoryError, reason_of
from tui_charrnn.translation import tr

VERSION: Final = 1
"""Of the tables; in the file as SQLite's `user_version`."""

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
"""Finds parts of words in any script, by three neighboring characters."""


def register(database: sqlite3.Connection) -> None:
    """Give a connection what the history needs, whatever tables there are."""
    database.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten


def version_of(database: sqlite3.Connection) -> int:
    """The version of the tables; 0 if there are none yet."""
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def has_index(database: sqlite3.Connection) -> bool:
    """Whether words are found by an index; not every SQLite has the module for it."""
    found = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'generations_index'")
    return found.fetchone() is not None


def create(database: sqlite3.Connection) -> None:
    """Make the tables, within a transaction."""
    database.execute(_TABLE)
    with contextlib.suppress(sqlite3.OperationalError):  # an SQLite without FTS5 or its trigrams
        for statement in _INDEX:
            database.execute(statement)
    database.execute(f"PRAGMA user_version = {VERSION}")


_PRIVATE: Final = 0o600
_PATIENCE: Final = 1.0  # seconds to wait for another program that is writing
_LOCKED: Final = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DAMAGED: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
REASONS: Final = (
    "file is not a database",
    "database disk image is malformed",
    "disk I/O error",
    "database or disk is full",
    "attempt to write a readonly database",
    "unable to open database file",
)
"""What SQLite says of its common errors."""


def make_private_file(path: Path) -> None:
    """Make the file if there is none; only the user may read it.

    Raises:
        HistoryError: If the disk refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # one that is there is not opened: to close it again would release the locks that another
        # thread has on it
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE))
        mode = path.stat().st_mode
        if stat.S_ISREG(mode) and mode & ~_PRIVATE & 0o777:
            path.chmod(_PRIVATE)
    except OSError as error:
        raise HistoryError(_refusal(path, reason_of(error))) from error


@contextmanager
def open_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the file, which exists, with its tables; they are made if it is empty.

    Raises:
        HistoryError: If it is damaged, locked, or of another version, if the disk refuses, or if
            what is read from it meanwhile raises `ValueError`, being of another program.
    """
    address = f"{path.absolute().as_uri()}?mode=rw"
    try:
        with closing(
            sqlite3.connect(address, uri=True, timeout=_PATIENCE, isolation_level=None)
        ) as database:
            register(database)
            if version_of(database) == 0:
                with transaction(database):
                    if version_of(database) == 0:  # else another program was first
                        create(database)
            version = version_of(database)
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


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """All of what is written meanwhile, or nothing."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):  # some errors end the transaction themselves
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _sentence(path: Path, error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest tells more than is needed
    if code in _LOCKED:
        return tr("The history in {path} is in use by another program; try again.", path=path)
    reason = tr(str(error))
    return _damage(path, reason) if code in _DAMAGED else _refusal(path, reason)


def _damage(path: Path, reason: str) -> str:
    return tr(
        "The history in {path} is damaged ({reason}). Move the file away, and a new one is begun "
        "with the next text.",
        path=path,
        reason=reason,
    )


def _refusal(path: Path, reason: str) -> str:
    return tr("The history in {path} cannot be used: {reason}.", path=path, reason=reason)
