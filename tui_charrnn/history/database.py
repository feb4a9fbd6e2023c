"""The database of the history: its schema, opening it, transactions, and the rows of its texts."""

import contextlib
import json
import os
import sqlite3
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ConfigError, HistoryError, reason_of
from tui_charrnn.history.generation import (
    LONG_SEED,
    ClampsInTime,
    Entry,
    Generation,
    ModelOrigin,
    SettingsInTime,
    hindrance_of,
)
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


_NONE_OF_OURS: Final = (
    TypeError,
    AttributeError,
    KeyError,
    OverflowError,
    RecursionError,
    ConfigError,
)
"""What reading a foreign document raises."""


_NUMBERS: Final = ("float32", "int8")


def write_settings(
    sampling: SettingsInTime, clamps: ClampsInTime = (), numbers: str = "float32"
) -> str:
    """Settings, clamps and numbers as a JSON document."""
    common = {} if numbers == "float32" else {"numbers": numbers}
    return json.dumps([
        {"after": after, **config.to_mapping(), **common} | ({"clamps": list(held)} if held else {})
        for after, config, held in together(sampling, clamps)
    ])


def read_settings(document: str) -> tuple[SettingsInTime, ClampsInTime, str, str]:
    """The settings, clamps and numbers of a JSON document, and what is not understood of it.

    Raises:
        ValueError: If the document is of another program.
    """
    try:
        changes: Sequence[Mapping[str, Any]] = json.loads(document)
        unknown = {name for change in changes for name in change} - {
            *SamplingConfig.bounds(),
            "after",
            "clamps",
            "numbers",
        }
        settings = [
            (int(change["after"]), SamplingConfig.from_mapping(change, skip_unknown=True))
            for change in changes
        ]
        held = [(int(change["after"]), _words(change.get("clamps", ()))) for change in changes]
    except _NONE_OF_OURS as error:
        raise ValueError(
            tr("These are no settings: {document}", document=document[:200])
        ) from error
    if not settings or settings[0][0] != 0:
        raise ValueError(tr("These are no settings: {document}", document=document[:200]))
    names = ", ".join(sorted(unknown))
    misunderstood = (
        tr("this version does not know the settings {names}", names=names) if unknown else ""
    )
    numbers = changes[0].get("numbers", "float32")
    if numbers not in _NUMBERS:
        misunderstood = tr("this version does not know the numbers it was made in")
        numbers = "float32"
    clamps = tuple(
        (after, words)
        for place, (after, words) in enumerate(held)
        if words != (held[place - 1][1] if place else ())
    )
    kept = tuple(
        change
        for place, change in enumerate(settings)
        if place == 0 or change[1] != settings[place - 1][1]
    )
    return kept, clamps, numbers, misunderstood


def together(
    sampling: SettingsInTime, clamps: ClampsInTime
) -> list[tuple[int, SamplingConfig, tuple[str, ...]]]:
    """What held from which character on: settings, first after 0, and clamps, as either changed."""
    config, held = dict(sampling), dict(clamps)
    settings = sampling[0][1]
    words: tuple[str, ...] = ()
    rows: list[tuple[int, SamplingConfig, tuple[str, ...]]] = []
    for after in sorted({*config, *held}):
        settings, words = config.get(after, settings), held.get(after, words)
        rows.append((after, settings, words))
    return rows


def _words(value: object) -> tuple[str, ...]:
    """Clamps, which are a list of words."""
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise TypeError("Clamps are a list of words.")
    return tuple(value)


KEPT_CHARACTERS: Final = 50_000
"""Characters of a text that are kept, its first ones; and of a seed text, its last ones."""
COLUMNS: Final = (
    "time, length, seed_text, text, sampling, rng_seed, model, model_file, model_sha256, hindrance"
)
"""Beside `id`, which comes first where a row is read."""


def lacking(generation: Generation) -> int:
    """How many characters, or jamo, of a long text were not kept."""
    return max(generation.length - KEPT_CHARACTERS, 0)


def length_words(generation: Generation) -> str:
    """How long a text is: 1 character, or 250 characters (503 jamo)."""
    count, units = len(generation.text), generation.length
    is_cut = count < units <= KEPT_CHARACTERS
    count = count if is_cut else units
    words = tr("{count} character" if count == 1 else "{count} characters", count=f"{count:,}")
    return tr("{words} ({units:,} jamo)", words=words, units=units) if is_cut else words


def row_of(generation: Generation, time: datetime) -> tuple[object, ...]:
    """The values of `COLUMNS` of a text that is added at a time with a time zone."""
    model = generation.model
    is_long = len(generation.seed_text) > KEPT_CHARACTERS
    return (
        time.isoformat(timespec="seconds"),
        generation.length,
        storable(generation.seed_text[-KEPT_CHARACTERS:]),
        storable(generation.text[:KEPT_CHARACTERS]),
        write_settings(generation.sampling, generation.clamps, generation.numbers),
        generation.rng_seed,
        storable(model.label),
        os.fsencode(model.file) if model.file is not None else None,
        model.sha256,
        storable(generation.hindrance) or (LONG_SEED if is_long else ""),
    )


def entry_of(row: Sequence[Any]) -> Entry:
    """What a row of `id` and `COLUMNS` says.

    Raises:
        ValueError: If a value is of another program.
    """
    number, time, length, seed_text, text, document, rng_seed, label, file, sha256, hindrance = row
    counts = (number, length, rng_seed)
    texts = (time, seed_text, text, document, label, hindrance, "" if sha256 is None else sha256)
    is_ours = all(isinstance(each, int) for each in counts) and all(
        isinstance(each, str) for each in texts
    )
    if not is_ours or not isinstance(file, bytes | None) or b"\0" in (file or b""):
        raise ValueError(
            tr(
                "the text {number} has values that this version does not know",
                number=str(number)[:20],
            )
        )
    sampling, clamps, numbers, misunderstood = read_settings(document)
    return Entry(
        number=number,
        time=datetime.fromisoformat(time),
        generation=Generation(
            seed_text=seed_text,
            text=text,
            length=length,
            sampling=sampling,
            rng_seed=rng_seed,
            model=ModelOrigin(label, None if file is None else os.fsdecode(file), sha256),
            clamps=clamps,
            numbers=numbers,
            hindrance=hindrance or misunderstood,
        ),
    )


def storable(text: str) -> str:
    """A text as SQLite takes it: without halves of surrogate pairs, which no model knows."""
    return text.encode(errors="ignore").decode()


def entry_values(entry: Entry) -> dict[str, Any]:
    """A text and all that it came from."""
    generation = entry.generation
    return {
        "id": entry.number,
        "time": entry.time.isoformat(),
        "model": generation.model.label,
        "model_file": generation.model.file,
        "model_sha256": generation.model.sha256,
        "seed_text": generation.seed_text,
        "text": generation.text,
        "length": generation.length,
        "rng_seed": generation.rng_seed,
        "numbers": generation.numbers,
        "sampling": [
            {"after": after, **config.to_mapping(), "rng_seed": generation.rng_seed}
            for after, config in generation.sampling
        ],
        "clamps": [{"after": after, "held": list(held)} for after, held in generation.clamps],
        "hindrance": hindrance_of(generation) or None,
    }
