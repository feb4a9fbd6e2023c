"""The history: adding, reading and deleting texts, and damaged or foreign files."""

import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from tests.support.generations import make_generation
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import HistoryError
from tui_charrnn.history import store
from tui_charrnn.history.generation import KEPT_CHARACTERS, ModelReference, why_no_replay
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.history.store import History, history_file


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "data" / "history.sqlite")


def numbers(history: History, words: str) -> list[int]:
    return [entry.number for entry in history.search(words, 10)]


def test_a_text_comes_back_as_it_was_added(history: History) -> None:
    generation = make_generation(
        "O happy day\n",
        sampling=((0, SamplingConfig(top_k=3)), (5, SamplingConfig(temperature=0))),
        rng_seed=2**63 - 1,
        no_replay_because="it was steered by hand",
    )

    number = history.add([generation])[0]

    entry = history.get(number)
    assert entry is not None
    assert entry.generation == generation
    assert entry.number == number
    assert entry.time.tzinfo is not None


def test_several_texts_are_added_at_once(history: History) -> None:
    assert history.add([make_generation("a"), make_generation("b")]) == [1, 2]
    assert [entry.generation.text for entry in history.newest(5)] == ["b", "a"]


def test_a_model_without_a_file_is_kept_too(history: History) -> None:
    generation = make_generation("x", model=ModelReference(ModelLabel("none"), None, None))

    entry = history.get(history.add([generation])[0])

    assert entry is not None
    assert entry.generation == generation
    assert why_no_replay(entry.generation) == "the model came from no file"


def test_names_that_are_no_text_survive(history: History) -> None:
    origin = ModelReference(ModelLabel("odd"), "/models/\udcff.safetensors", None)

    entry = history.get(
        history.add([make_generation("\ud800x", seed_text="\udcffa", model=origin)])[0]
    )

    assert entry is not None
    assert entry.generation.model == origin
    assert (entry.generation.seed_text, entry.generation.text) == ("a", "x")


def test_the_newest_comes_first(history: History) -> None:
    for text in "abc":
        history.add([make_generation(text)])

    assert [entry.generation.text for entry in history.newest(2)] == ["c", "b"]
    assert history.count() == 3


def test_nothing_is_made_by_looking(history: History) -> None:
    assert history.newest(5) == []
    assert history.search("x", 5) == []
    assert history.get(1) is None
    assert (history.remove([1]), history.clear(), history.count()) == ([], 0, 0)
    assert not history.path.parent.exists()


def test_the_file_is_for_the_user_alone(history: History) -> None:
    history.add([make_generation("secret")])
    assert stat.S_IMODE(history.path.stat().st_mode) == 0o600

    history.path.chmod(0o644)
    history.add([make_generation("more")])
    assert stat.S_IMODE(history.path.stat().st_mode) == 0o600


def test_it_lies_in_the_data_folder(isolated_home: Path) -> None:
    assert History().path == history_file() == isolated_home / "data/charrnn-tui/history.sqlite"


def test_what_is_removed_is_not_found_and_its_number_is_not_given_again(history: History) -> None:
    for text in ("alpha", "beta", "gamma"):
        history.add([make_generation(text)])

    assert history.remove([2, 3, 3, 9, 2**70]) == [2, 3]

    assert numbers(history, "gamma") == []
    assert history.get(2**70) is None
    assert history.add([make_generation("delta")])[0] == 4


def test_clearing_leaves_nothing_on_the_disk(history: History) -> None:
    for _ in range(20):
        history.add([make_generation("a very private sentence")])

    assert history.clear() == 20

    assert history.newest(5) == []
    assert b"private" not in history.path.read_bytes()
    history.add([make_generation("after it")])
    assert len(numbers(history, "after")) == 1


def test_the_oldest_give_way(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LIMIT", 3)
    for number in range(5):
        history.add([make_generation(f"text {number}")])

    assert [entry.number for entry in history.newest(10)] == [5, 4, 3]
    assert numbers(history, "text") == [5, 4, 3]


def test_of_a_very_long_text_the_beginning_is_kept(history: History) -> None:
    entry = history.get(history.add([make_generation("x" * (KEPT_CHARACTERS + 5))])[0])

    assert entry is not None
    assert entry.generation.length == KEPT_CHARACTERS + 5
    assert len(entry.generation.text) == KEPT_CHARACTERS
    assert why_no_replay(entry.generation) == ""


def test_of_a_very_long_seed_text_the_end_is_kept(history: History) -> None:
    entry = history.get(
        history.add([make_generation("x", seed_text="z" + "y" * KEPT_CHARACTERS)])[0]
    )

    assert entry is not None
    assert entry.generation.seed_text == "y" * KEPT_CHARACTERS
    assert "only the last 50,000 characters" in why_no_replay(entry.generation)


@pytest.mark.parametrize(
    "content", [b"no database at all " * 99, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_damaged_file_is_a_sentence_and_stays(history: History, content: bytes) -> None:
    history.path.parent.mkdir()
    history.path.write_bytes(content)

    for work in (
        lambda: history.add([make_generation("x")]),
        lambda: history.newest(1),
        history.clear,
    ):
        with pytest.raises(HistoryError, match=r"is damaged .* Move the file away"):
            work()

    assert history.path.read_bytes() == content


def test_a_damaged_page_is_a_sentence(history: History) -> None:
    for _ in range(50):
        history.add([make_generation("some words " * 50)])
    data = bytearray(history.path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    history.path.write_bytes(data)

    with pytest.raises(HistoryError, match="damaged"):
        history.newest(5)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("sampling", "[{}]", "These are not settings"),
        ("sampling", "[" * 100_000, "These are not settings"),
        ("text", b"bytes", "that this version does not know"),
        ("model_sha256", b"", "that this version does not know"),
        ("rng_seed", float("inf"), "that this version does not know"),
        ("model_file", b"/models/\0", "that this version does not know"),
        ("time", "yesterday", "yesterday"),
    ],
)
def test_a_value_that_is_none_of_ours_is_a_sentence(
    history: History, column: str, value: object, message: str
) -> None:
    history.add([make_generation("x")])
    with sqlite3.connect(history.path) as connection:
        connection.execute(f"UPDATE generations SET {column} = ?", (value,))
    connection.close()

    with pytest.raises(HistoryError, match=message):
        history.newest(1)


def test_a_text_of_bytes_is_not_found(history: History) -> None:
    history.add([make_generation("ab"), make_generation("ab")])
    with sqlite3.connect(history.path) as connection:
        connection.execute("UPDATE generations SET text = ? WHERE id = 1", (b"ab",))
    connection.close()

    assert history.find("AB") == [2]


def test_settings_of_a_newer_version_are_shown_but_not_said_again(history: History) -> None:
    history.add([make_generation("x")])
    with sqlite3.connect(history.path) as connection:
        connection.execute("""UPDATE generations SET sampling = '[{"after": 0, "warmth": 3}]'""")
    connection.close()

    entry = history.get(1)

    assert entry is not None
    assert "settings warmth" in why_no_replay(entry.generation)


def test_a_newer_format_is_left_alone(history: History) -> None:
    history.add([make_generation("x")])
    with sqlite3.connect(history.path) as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()

    with pytest.raises(HistoryError, match="has the format 2"):
        history.add([make_generation("y")])


def test_a_locked_file_is_a_sentence_in_the_end(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_LOCK_TIMEOUT", 0.05)
    history.add([make_generation("x")])
    other = sqlite3.connect(history.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    with pytest.raises(HistoryError, match="in use by another program"):
        history.add([make_generation("y")])

    other.execute("ROLLBACK")
    other.close()
    assert history.add([make_generation("z")])[0] == 2


def test_a_folder_in_its_place_is_a_sentence(history: History) -> None:
    history.path.mkdir(parents=True)

    for work in (lambda: history.add([make_generation("x")]), lambda: history.newest(1)):
        with pytest.raises(HistoryError, match="cannot be used"):
            work()


def test_several_may_write_at_once(history: History) -> None:
    def write() -> None:
        for _ in range(5):
            history.add([make_generation("x")])

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert history.count() == 15
