"""Cached indexes have a size limit: the least recently used are deleted, never one in use."""

import hashlib
import os
from pathlib import Path

import pytest

from tui_charrnn.errors import StorageError
from tui_charrnn.text import suffix_index
from tui_charrnn.text.cache import prune_folder
from tui_charrnn.text.suffix_index import (
    SuffixIndex,
    index_path,
    obtain_index,
    open_index,
    store_index,
)

TEXT = "to be,\nor not to be\n" * 9
NAMES = [digit * 64 for digit in "123"]


def kept(*names: str) -> list[Path]:
    """Indexes of one size, used one after the other."""
    for seconds, name in enumerate(names):
        store_index(SuffixIndex.of(TEXT), name)
        os.utime(index_path(name), (1_000 + seconds, 1_000 + seconds))
    return [index_path(name) for name in names]


def pruned(limit: int) -> list[Path]:
    """The indexes that go to keep a limit."""
    folder = index_path(NAMES[0]).parent
    before = sorted(folder.glob("*.index"))
    prune_folder(folder, ".index", limit)
    return [path for path in before if not path.exists()]


def test_the_one_that_was_not_used_for_longest_goes_first() -> None:
    first, second, third = kept(*NAMES)
    size = first.stat().st_size

    assert pruned(3 * size) == []
    assert pruned(3 * size - 1) == [first]
    assert second.exists()
    assert pruned(size) == [second]
    assert third.exists()


def test_to_be_looked_into_is_a_use() -> None:
    first, second, _ = kept(*NAMES)
    assert open_index(NAMES[0]) is not None

    assert pruned(2 * first.stat().st_size) == [second]


def test_one_that_is_in_use_stays_and_still_finds() -> None:
    first, second, third = kept(*NAMES)
    index = open_index(NAMES[0])
    assert index is not None
    os.utime(first, (1, 1))

    assert pruned(0) == [second, third]
    assert index.passage(0, len(TEXT)) == TEXT
    del index
    assert pruned(0) == [first]


def test_what_another_program_began_and_left_goes_with_time() -> None:
    (first,) = kept(NAMES[0])
    left, begun = (first.with_name(f".{first.name}.{end}") for end in ("aa", "bb"))
    for path in (left, begun):
        path.write_bytes(b"half of an index")
    os.utime(left, (1_000, 1_000))

    assert pruned(first.stat().st_size) == []

    assert not left.exists()
    assert begun.exists()


def test_a_new_index_makes_room_and_stays_even_if_it_alone_is_too_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = kept(*NAMES[:2])
    monkeypatch.setattr(suffix_index, "LIMIT", old[0].stat().st_size // 2)

    index = obtain_index(TEXT, NAMES[2], notify=refuse)

    assert [path.exists() for path in old] == [False, False]
    assert index_path(NAMES[2]).exists()
    assert index.passage(0, 5) == TEXT[:5]


@pytest.mark.parametrize(
    "facts",
    [
        b"{}",
        b"[" * 50_000,
        b'{"alphabet": "", "characters": 180}',
        b'{"alphabet": "abcdefgh", "characters": 180}',
        b'{"alphabet": "aaaaaaaa", "characters": 180}',
        b'{"alphabet": null, "characters": 180}',
        b'{"characters": 1e999}',
        b'{"characters": -3}',
        b'{"characters": 179}',
        b'{"byte_order": "middle"}',
    ],
)
def test_one_whose_facts_are_not_true_is_built_again(facts: bytes) -> None:
    """Also where its hash is: a search in it could go on for ever."""
    (path,) = kept(NAMES[0])
    first, rest = path.read_bytes().split(b"\n", 1)
    told, numbers = rest.split(b"\n", 1)
    if facts.startswith(b'{"'):
        facts = told.rstrip()[:-1] + b"," + facts[1:]  # of two of a name the last one counts
    body = facts + b"\n" + numbers
    path.write_bytes(first[:-64] + hashlib.sha256(body).hexdigest().encode() + b"\n" + body)

    assert open_index(NAMES[0]) is None
    assert obtain_index(TEXT, NAMES[0], notify=refuse).passage(0, len(TEXT)) == TEXT
    assert open_index(NAMES[0]) is not None


def test_a_folder_that_is_not_there_has_nothing_to_prune() -> None:
    assert pruned(0) == []


def refuse(sentence: str) -> None:
    raise StorageError(sentence)
