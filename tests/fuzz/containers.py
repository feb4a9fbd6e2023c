"""Files that hold documents: one of these is changed, and all that vouches for it is made right."""

import hashlib
import json
import sqlite3
from contextlib import closing
from typing import Any, Final

import numpy as np

from tests.fuzz.mutation import HOSTILE_BYTES, HOSTILE_VALUES, mutate_json

_LARGEST: Final = 2**63 - 1
"""Number that SQLite can hold."""
_INDEX_LINE: Final = len(b"charrnn suffix index 1 ") + 64 + 1
"""Bytes of the first line of a suffix index, which ends with the hash of the rest."""
_NUMBERS_END: Final = 8 + 32 + 8
"""Bytes at the end of a numbered text: length of the record, its hash, the format."""


def mutate_rows(data: bytes, rng: np.random.Generator) -> bytes:
    """Change values of a row of the history, mostly in the document of its settings."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        database.deserialize(data)
        names = [row[1] for row in database.execute("PRAGMA table_info(generations)")]
        for _ in range(rng.integers(1, 3)):
            name = "sampling" if rng.random() < 0.6 else names[rng.integers(0, len(names))]
            (held,) = database.execute(f"SELECT {name} FROM generations").fetchone()
            value = _column_value(rng)
            if name == "sampling" and isinstance(held, str) and rng.random() < 0.9:
                value = mutate_json(held.encode(), rng).decode("utf-8", "replace")
            try:
                database.execute(f"UPDATE generations SET {name} = ?", (value,))
            except sqlite3.Error:  # nothing where there must be something, or no number
                continue
        return bytes(database.serialize())


def mutate_index(data: bytes, rng: np.random.Generator) -> bytes:
    """Change the facts of a suffix index; its hash stays true."""
    facts, newline, numbers = data[_INDEX_LINE:].partition(b"\n")
    body = mutate_json(facts, rng) + newline + numbers
    digest = hashlib.sha256(body).hexdigest().encode()
    return data[: _INDEX_LINE - 65] + digest + b"\n" + body


def mutate_numbers(data: bytes, rng: np.random.Generator) -> bytes:
    """Change the record of a numbered text; its length and hash stay true."""
    end = data[-_NUMBERS_END:]
    begin = len(data) - _NUMBERS_END - int.from_bytes(end[:8], "little")
    record = mutate_json(data[begin:-_NUMBERS_END], rng)
    vouched = len(record).to_bytes(8, "little") + hashlib.sha256(record).digest()
    return data[:begin] + record + vouched + end[40:]


def _column_value(rng: np.random.Generator) -> Any:
    """What SQLite may hold in a column, whatever the column is for."""
    if rng.random() < 0.3:
        return HOSTILE_BYTES[rng.integers(0, len(HOSTILE_BYTES))]
    value = HOSTILE_VALUES[rng.integers(0, len(HOSTILE_VALUES))]
    if isinstance(value, int) and abs(value) > _LARGEST:
        return float("inf")
    if isinstance(value, list | dict):
        return json.dumps(value)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
