"""Search by words in any script, with and without the index."""

from pathlib import Path

import pytest

from tests.support.generations import make_generation
from tui_charrnn.history import store
from tui_charrnn.history.store import History


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "data" / "history.sqlite")


def numbers(history: History, words: str) -> list[int]:
    return [entry.number for entry in history.search(words, 10)]


@pytest.mark.parametrize("is_indexed", [True, False])
def test_words_are_found_in_seed_text_and_text(
    history: History, is_indexed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_indexed:
        monkeypatch.setattr(store, "has_index", lambda _: False)
    history.add([make_generation("What light through yonder window", seed_text="JULIET:")])
    history.add([make_generation("푸른 하늘에 해가", seed_text="한국어")])
    history.add([make_generation('say "100%_sure" AND* go')])

    assert numbers(history, "juliet YONDER") == [1]
    assert numbers(history, "juliet 하늘에") == []
    assert numbers(history, "하늘에") == [2]
    assert numbers(history, "하늘") == [2]
    assert numbers(history, "해") == [2]
    assert numbers(history, '"100%_') == [3]
    assert numbers(history, "AND*") == [3]
    assert numbers(history, "li__t") == []
    assert numbers(history, "through w") == [1]
    assert numbers(history, " ") == [3, 2, 1]


def test_decomposed_words_find_composed_ones(history: History) -> None:
    history.add([make_generation("café noir")])

    assert numbers(history, "cafe\N{COMBINING ACUTE ACCENT}") == [1]


def test_without_the_search_module_words_are_found_all_the_same(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tui_charrnn.history.store._INDEX", ("CREATE VIRTUAL TABLE x USING no_such_module(y)",)
    )
    history.add([make_generation("What light")])

    assert numbers(history, "LIGHT what") == [1]
    assert history.clear() == 1
