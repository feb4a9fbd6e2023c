"""The tables of the history, and how texts are found in them."""

import contextlib
import sqlite3
from typing import Final

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
