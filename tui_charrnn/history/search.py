"""Which texts of the history hold some words: by the index, where there is one, or one by one."""

import itertools
import sqlite3
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final

from tui_charrnn.history.database import has_index
from tui_charrnn.history.rows import storable

_INDEXED: Final = 3
"""Characters that a word needs for the index of three neighbors to know it."""
_AT_ONCE: Final = 64
"""Texts that are looked at between two questions to the caller."""

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

    Args:
        database: The history.
        query: Words with blanks between; each is found in the seed text and after it, within longer
            words too, and whether in capitals or not. Without any, every text is meant.
        check: Called now and then where it takes long; ends the search by what it raises.
        most: How many are enough; None finds all.
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
    where, values = _joined(conditions)
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
    where, values = _joined(conditions)
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


def _joined(conditions: list[Condition]) -> Condition:
    if not conditions:
        return "", ()
    where = " AND ".join(condition for condition, _ in conditions)
    return f"WHERE {where}", tuple(value for _, values in conditions for value in values)
