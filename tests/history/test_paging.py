"""Paging, searching and removing in the history."""

import sqlite3
from pathlib import Path

import pytest

from tests.support.generations import make_generation
from tui_charrnn.errors import HistoryError
from tui_charrnn.history import store
from tui_charrnn.history.store import History


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "data" / "history.sqlite")


def test_all_numbers_are_found_newest_first_and_entries_by_them(history: History) -> None:
    history.add([make_generation("a"), make_generation("b"), make_generation("c")])

    assert history.find("") == [3, 2, 1]
    entries = history.read([1, 3, 9])
    assert {number: entry.generation.text for number, entry in entries.items()} == {1: "a", 3: "c"}


def test_nothing_is_made_by_looking(history: History) -> None:
    assert history.find("x") == []
    assert history.read([1]) == {}
    assert history.take_out(1) is None
    assert not history.path.parent.exists()


QUERIES = [
    '"',
    '" OR "',
    "AND",
    "a*",
    "(",
    "near/3",
    "seed_text:x",
    "-x",
    "^x",
    "\0",
    "a\0bcd",
    "%",
]


@pytest.mark.parametrize("query", [*QUERIES, "'; DROP TABLE generations", "{x}", "x" * 100_000])
def test_no_query_is_an_error(history: History, query: str) -> None:
    history.add([make_generation(f"before {query[:50]} after")])
    history.add([make_generation("else")])

    assert history.find(query) == ([1] if len(query) < 60 else [])


@pytest.mark.parametrize("has_index", [True, False])
def test_short_and_long_words_are_looked_for_together(
    history: History, has_index: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_index:
        monkeypatch.setattr(store, "has_index", lambda _: False)
    history.add([
        make_generation("golden Sun É 하늘"),
        make_generation("golden moon"),
        make_generation("a sun"),
    ])

    assert history.find("GOLDEN sU") == [1]
    assert history.find("é 하") == [1]
    assert history.find("su") == [3, 1]
    assert history.find("golden") == [2, 1]
    assert history.find(" ".join(f"{n:x}" for n in range(200))) == []
    assert history.find(" ".join(["gold", "go", "ol"] * 2000)) == [2, 1]


def test_a_search_that_nobody_wants_any_more_ends(history: History) -> None:
    history.add([make_generation("x")] * 300)
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyError

    with pytest.raises(KeyError):
        history.find("no\0", check)


def test_what_is_taken_out_can_be_put_back_as_it_was(history: History) -> None:
    history.add([
        make_generation("alpha"),
        make_generation("beta", no_replay_because="it was steered by hand"),
    ])
    with sqlite3.connect(history.path) as connection:
        connection.execute("""UPDATE generations SET sampling = '[{"after": 0, "warmth": 3}]'""")
        before = connection.execute("SELECT * FROM generations").fetchall()

    taken = history.take_out(1)
    assert taken is not None
    assert history.find("") == [2]
    assert history.find("alpha") == []

    history.put_back(taken)
    assert connection.execute("SELECT * FROM generations").fetchall() == before
    connection.close()
    assert history.find("alpha") == [1]
    assert history.add([make_generation("gamma")])[0] == 3


@pytest.mark.parametrize("query", ["", "no", "alpha", "alpha no", "n"])
@pytest.mark.parametrize("has_index", [True, False])
def test_the_first_of_many_are_the_first_of_all(
    history: History, query: str, has_index: bool
) -> None:
    history.add([make_generation(f"alpha no {number}") for number in range(30)])
    if not has_index:
        connection = sqlite3.connect(history.path)
        connection.executescript(
            "DROP TRIGGER index_new; DROP TRIGGER index_gone; DROP TABLE generations_index;"
        )
        connection.close()

    assert history.find(query) == list(range(30, 0, -1))
    assert history.find(query, most=7) == list(range(30, 23, -1))
    assert history.find(query, most=99) == list(range(30, 0, -1))


def test_a_text_takes_the_place_of_its_beginning(history: History) -> None:
    history.add([make_generation("begin")])

    assert history.add([make_generation("beginning")], instead_of=1) == [2]
    assert history.find("begin") == [2]


def test_a_damaged_file_is_a_sentence(history: History) -> None:
    history.path.parent.mkdir()
    history.path.write_bytes(b"no database at all " * 99)

    for work in (
        lambda: history.find(""),
        lambda: history.read([1]),
        lambda: history.take_out(1),
    ):
        with pytest.raises(HistoryError, match="is damaged"):
            work()
