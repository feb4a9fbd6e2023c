"""The history of generated texts: one SQLite file in the user's data folder, for the user alone.

Bounded: the newest `LIMIT` texts are kept, and of a very long one the first `KEPT_CHARACTERS`.
Several programs may use it at once. Every call opens the file and closes it again, so a history can
be shared by threads.
"""

import itertools
import sqlite3
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tui_charrnn.errors import HistoryError, ModelFileError
from tui_charrnn.folders import data_folder
from tui_charrnn.history.database import (
    COLUMNS,
    entry_of,
    has_index,
    make_private_file,
    open_database,
    row_of,
    storable,
    transaction,
)
from tui_charrnn.history.generation import Entry, Generation, file_sha256, hindrance_of
from tui_charrnn.invocation import command
from tui_charrnn.paths import explained, find_kind
from tui_charrnn.translation import tr

LIMIT: Final = 10_000
"""Texts that are kept."""
_LARGEST: Final = 2**63 - 1  # number that SQLite can hold


def history_file() -> Path:
    """Where the history is: in the user's data folder. It need not exist."""
    return data_folder() / "history.sqlite"


class History:
    """The texts of a user.

    Every method raises `HistoryError` if the file is damaged, locked, or of a newer version, or if
    the disk refuses; the message is a sentence for the user.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Name a history by its file, or the user's own; nothing is opened or made yet."""
        self.path: Final = path or history_file()

    def add(self, generation: Generation) -> int:
        """Keep a text, and drop the oldest beyond `LIMIT`.

        Returns:
            Its number.
        """
        return self.add_all([generation])[0]

    def add_all(
        self, generations: Sequence[Generation], *, instead_of: int | None = None
    ) -> list[int]:
        """Keep several texts, all or none; the one of a number, such as a beginning, gives way."""
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
        """The last texts, the newest first."""
        return self._read(find_numbers(self, "", most=count))

    def get(self, number: int) -> Entry | None:
        """The text of a number, or None if there is none."""
        return read_entries(self, [number]).get(number) if number <= _LARGEST else None

    def search(self, words: str, count: int) -> list[Entry]:
        """The last texts that hold all words of a query, the newest first; see `matching`."""
        return self._read(find_numbers(self, words, most=count)) if words_of(words) else []

    def remove(self, numbers: Sequence[int]) -> list[int]:
        """Delete texts for good.

        Returns:
            The numbers of those that there were.
        """
        if not self.exists():
            return []
        with open_database(self.path) as database, transaction(database):
            return [
                number
                for number in dict.fromkeys(numbers)
                if number <= _LARGEST
                and database.execute("DELETE FROM generations WHERE id = ?", (number,)).rowcount
            ]

    def clear(self) -> int:
        """Delete all texts for good, and give their room on the disk back; return how many."""
        if not self.exists():
            return 0
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
        """How many texts there are."""
        if not self.exists():
            return 0
        with open_database(self.path) as database:
            return int(database.execute("SELECT count(*) FROM generations").fetchone()[0])

    def exists(self) -> bool:
        """Whether there is a file yet."""
        with explained(tr("The history"), self.path, HistoryError):
            return find_kind(self.path) is not None

    def _read(self, numbers: Sequence[int]) -> list[Entry]:
        entries = read_entries(self, numbers)
        return [entries[number] for number in numbers if number in entries]


TakenOut = tuple[object, ...]
"""A text that was taken out of the history, in the history's own words."""


def find_numbers(
    history: History,
    query: str,
    check: Callable[[], object] = lambda: None,
    most: int | None = None,
) -> list[int]:
    """The numbers of the texts that hold all words of a query, as `matching` finds them.

    Raises:
        HistoryError: If the history cannot be read.
    """
    if not history.exists():
        return []
    with open_database(history.path) as database:
        return matching(database, query, check, most)


def read_entries(history: History, numbers: Sequence[int]) -> dict[int, Entry]:
    """The texts of some numbers, as far as there are any.

    Raises:
        HistoryError: If the history cannot be read.
    """
    if not numbers or not history.exists():
        return {}
    with open_database(history.path) as database:
        listed = ", ".join(map(str, numbers))  # some databases take no more than 999 values
        rows = database.execute(f"SELECT id, {COLUMNS} FROM generations WHERE id IN ({listed})")
        return {entry.number: entry for entry in map(entry_of, rows)}


def take_out(history: History, number: int) -> TakenOut | None:
    """Delete a text, and return what `put_back` needs; None if there is none.

    Raises:
        HistoryError: If the history cannot be changed; then nothing is.
    """
    if not history.exists():
        return None
    with open_database(history.path) as database, transaction(database):
        row: TakenOut | None = database.execute(
            f"SELECT id, {COLUMNS} FROM generations WHERE id = ?",
            (number,),
        ).fetchone()
        database.execute("DELETE FROM generations WHERE id = ?", (number,))
        return row


def put_back(history: History, taken: TakenOut) -> None:
    """Bring a text back to where it was.

    Raises:
        HistoryError: If the history cannot be changed.
    """
    with open_database(history.path) as database:
        database.execute(
            f"INSERT OR IGNORE INTO generations (id, {COLUMNS}) "
            f"VALUES ({', '.join('?' * len(taken))})",
            taken,
        )


_SHOWN: Final = 12  # digits of a hash that are enough to distinguish two


def find_entry(history: History, number: int) -> Entry:
    """The text of a number.

    Raises:
        HistoryError: If there is none, or the history cannot be read.
    """
    entry = history.get(number)
    if entry is None:
        raise HistoryError(
            "There is no text {number} in the history. {history} lists those that there are.",
            number=number,
            history=command("history"),
        )
    return entry


def find_same_model(
    entry: Entry, *, may_differ: bool = False, kept: str = "", anyway: str = ""
) -> Path:
    """The file of the model that generated a text.

    A file that has changed since will do if it `may_differ`. Every refusal ends with the sentence
    `kept`, on where the text can be seen; that of a changed file with `anyway`, on how to use it.

    Raises:
        HistoryError: If the text cannot be generated again, even with the file.
        ModelFileError: If the file is gone, or has changed since.
    """
    model = entry.generation.model
    hindrance = hindrance_of(entry.generation)
    if model.file is None or (hindrance and not may_differ):
        sentence = tr(
            "Text {number} cannot be generated again: {hindrance}.",
            number=entry.number,
            hindrance=tr(hindrance),
        )
        raise HistoryError(_joined(sentence, kept))
    path = Path(model.file)
    try:
        found = file_sha256(path)
    except FileNotFoundError:
        gone = tr(
            "The model of text {number} is gone: there is no file {path} any more.",
            number=entry.number,
            path=path,
        )
        raise ModelFileError(_joined(gone, kept)) from None
    except OSError as error:
        raise ModelFileError.unreadable(path, error) from error
    if found != model.sha256 and not may_differ:
        changed = tr(
            "The model of text {number} has changed: the SHA-256 of {path} was {before}... and is "
            "{now}... now, so it would say something else.",
            number=entry.number,
            path=path,
            before=(model.sha256 or "")[:_SHOWN],
            now=found[:_SHOWN],
        )
        raise ModelFileError(_joined(changed, kept, anyway))
    return path


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


_INDEXED: Final = 3  # characters that a word needs for the index of three neighbors to know it
_AT_ONCE: Final = 64  # texts that are looked at between two questions to the caller

_MOST_SHORT: Final = 50
"""Words without an index that are put into one question; the database has a limit."""

Condition = tuple[str, tuple[str, ...]]
"""What a row must fulfil, in SQL, and the values in it."""


def words_of(query: str) -> list[str]:
    """What is looked for: the words of a query, composed as texts are."""
    return unicodedata.normalize("NFC", storable(query)).split()


def matching(
    database: sqlite3.Connection,
    query: str,
    check: Callable[[], object] = lambda: None,
    most: int | None = None,
) -> list[int]:
    """The numbers of the texts that hold all words of a query, the newest first.

    Words have blanks between; each is found in the seed text and after it, within longer words too,
    and whether in capitals or not. Without any, every text is meant. `check` is called now and then
    where it takes long; it ends the search by what it raises. `most` are enough; None finds all.
    """
    indexed: list[str] = []
    conditions: list[Condition] = []
    others: list[str] = []
    is_indexed = has_index(database)
    for word in dict.fromkeys(words_of(query)):
        if not is_indexed or "\0" in word:  # which ends what the index is asked
            others.append(word.casefold())
        elif len(word) >= _INDEXED:
            indexed.append(word)
        elif len(conditions) < _MOST_SHORT:
            conditions.append(_holding(word))
        else:
            others.append(word.casefold())
    if indexed:
        conditions.append(_in_index(indexed))
    if others:
        found = _read_through(database, conditions, others, check)
        return list(itertools.islice(found, most))
    where, values = _where(conditions)
    # one row with all numbers: for every row the interpreter would be waited for again
    (numbers,) = database.execute(
        f"SELECT group_concat(id) FROM (SELECT id FROM generations {where} "
        "ORDER BY id DESC LIMIT ?)",
        (*values, -1 if most is None else most),
    ).fetchone()
    return [int(number) for number in numbers.split(",")] if numbers else []


def _read_through(
    database: sqlite3.Connection,
    conditions: list[Condition],
    words: list[str],
    check: Callable[[], object],
) -> Iterator[int]:
    """The numbers of texts that hold folded words, found by reading them."""
    where, values = _where(conditions)
    rows = database.execute(
        f"SELECT id, seed_text, text FROM generations {where} ORDER BY id DESC",
        values,
    )
    for count, (number, *texts) in enumerate(rows):
        if count % _AT_ONCE == 0:
            check()
        folded = [text.casefold() for text in texts]
        if all(any(word in text for text in folded) for word in words):
            yield int(number)


def _holding(word: str) -> Condition:
    """That a row holds a word of few characters, each of them in capitals or not."""
    cases = [dict.fromkeys((letter, letter.lower(), letter.upper())) for letter in word]
    spellings = tuple("".join(letters) for letters in itertools.product(*cases))
    holds = "instr(seed_text, ?) OR instr(text, ?)"
    return (
        f"({' OR '.join([holds] * len(spellings))})",
        tuple(spelling for spelling in spellings for _ in range(2)),
    )


def _in_index(words: list[str]) -> Condition:
    """That the index knows a row to hold some words."""
    phrases = " AND ".join('"' + word.replace('"', '""') + '"' for word in words)
    return "id IN (SELECT rowid FROM generations_index WHERE generations_index MATCH ?)", (phrases,)


def _where(conditions: list[Condition]) -> Condition:
    if not conditions:
        return "", ()
    where = " AND ".join(condition for condition, _ in conditions)
    return f"WHERE {where}", tuple(value for _, values in conditions for value in values)
