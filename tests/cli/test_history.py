"""The command `history`, and the texts that `generate` stores."""

import json
import os
import signal
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import finish, run_here, start_program
from tests.support.tiny_model import tiny_model_file
from tui_charrnn.config import SamplingConfig
from tui_charrnn.history.generation import Generation, ModelReference, reference_to
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.history.store import History, history_file
from tui_charrnn.paths import file_mark


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_model_file(tmp_path / "model.safetensors")


def generate(model: Path, *arguments: str) -> bytes:
    ended = run_here("generate", *arguments, "--model", str(model))
    assert ended.returncode == 0, ended.stderr.decode()
    assert ended.stderr == b""
    return ended.stdout


def history(*arguments: str) -> str:
    ended = run_here("history", *arguments)
    assert ended.returncode == 0, ended.stderr.decode()
    return ended.stdout.decode()


def listed() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(history("list", "--json"))
    return entries


def test_generate_stores_what_it_wrote_and_replay_repeats_it(model: Path) -> None:
    written = generate(model, "bad", "-n", "60", "-t", "0.7", "--top-k", "5")

    (entry,) = listed()
    assert (entry["seed_text"] + entry["text"]).encode() == written
    assert (entry["model_file"], entry["length"], entry["hindrance"]) == (str(model), 60, None)
    assert (entry["sampling"][0]["temperature"], entry["sampling"][0]["top_k"]) == (0.7, 5)
    again = run_here("history", "replay", str(entry["id"]))
    assert (again.returncode, again.stdout, again.stderr) == (0, written, b"")
    assert stat.S_IMODE(history_file().stat().st_mode) == 0o600


def test_replay_can_leave_the_seed_text_out(model: Path) -> None:
    written = generate(model, "bad", "-n", "20")

    assert history("replay", "1", "--no-echo").encode() == written.removeprefix(b"bad")


def test_unknown_characters_of_the_seed_text_make_no_difference(model: Path) -> None:
    run_here("generate", "bΩad", "-n", "20", "--rng-seed", "3", "--model", str(model))

    assert history("replay", "1").encode() == generate(model, "bad", "-n", "20", "--rng-seed", "3")


def test_parallel_texts_are_stored_one_by_one(model: Path) -> None:
    generate(model, "--count", "3", "-n", "10", "--rng-seed", "5")

    entries = listed()
    assert [entry["rng_seed"] for entry in entries] == [7, 6, 5]
    assert [entry["length"] for entry in entries] == [10, 10, 10]


def test_records_are_kept_as_text(model: Path) -> None:
    records = generate(model, "-n", "10", "--json").splitlines()

    assert listed()[0]["text"] == "".join(json.loads(record)["character"] for record in records)


@pytest.mark.parametrize("arguments", [["-n", "0"], ["-n", "5", "--no-history"]])
def test_empty_and_unwanted_texts_are_not_stored(model: Path, arguments: list[str]) -> None:
    generate(model, "bad", *arguments)

    assert not history_file().exists()
    assert run_here("history").stderr.startswith(b"The history is empty.")
    assert listed() == []


def test_a_text_cut_short_by_ctrl_c_is_stored(model: Path) -> None:
    child = start_program("generate", "-n", str(10**9), "--rng-seed", "1", "--model", str(model))
    assert child.stdout is not None
    first = os.read(child.stdout.fileno(), 1)
    child.send_signal(signal.SIGINT)
    ended = finish(child)

    written = first + ended.stdout
    (entry,) = listed()
    assert ended.returncode == 130
    # a signal may arrive between recording and writing a character
    assert 0 <= entry["length"] - len(written) <= 1
    assert entry["text"].startswith(written.decode()[:1000])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.write_bytes(b"no database " * 500), "is damaged"),
        (lambda path: path.mkdir(), "cannot be used"),
    ],
    ids=["damaged", "a folder"],
)
def test_generate_continues_without_the_history(model: Path, spoil: Any, words: str) -> None:
    history_file().parent.mkdir(parents=True)
    spoil(history_file())

    ended = run_here("generate", "bad", "-n", "5", "--model", str(model))

    assert (ended.returncode, len(ended.stdout)) == (0, 8)
    assert ended.stderr.decode().startswith("The text was not kept: The history in ")
    assert ended.stderr.count(b"\n") == 1
    listing = run_here("history")
    assert (listing.returncode, words in listing.stderr.decode()) == (3, True), listing.stderr


def test_a_changed_model_is_reported_and_generates_nothing(model: Path) -> None:
    generate(model, "bad", "-n", "30")
    tiny_model_file(model, rng_seed=1)

    refused = run_here("history", "replay", "1")
    assert (refused.returncode, refused.stdout) == (3, b"")
    assert b"has changed: the SHA-256 of" in refused.stderr
    assert b"history show 1" in refused.stderr

    spoken = run_here("history", "replay", "1", "--anyway")
    assert (spoken.returncode, len(spoken.stdout)) == (0, 33)
    assert b"The text differs from the recorded one" in spoken.stderr


def test_a_missing_model_is_reported(model: Path) -> None:
    generate(model, "bad", "-n", "30")
    model.unlink()

    for options in ([], ["--anyway"]):
        refused = run_here("history", "replay", "1", *options)
        assert (
            refused.returncode,
            b"was deleted or moved: there is no file" in refused.stderr,
        ) == (3, True)
    assert "bad" in history("show", "1")


def test_changed_settings_change_again_in_a_replay(model: Path) -> None:
    kept = generate(model, "bad", "-n", "30", "--rng-seed", "2", "-t", "0")
    generate(model, "bad", "-n", "10", "--rng-seed", "2", "-t", "5", "--no-history")
    wild, safe = SamplingConfig(temperature=5), SamplingConfig(temperature=0)
    number = History().add([
        Generation(
            seed_text="bad",
            text="",
            length=30,
            sampling=((0, wild), (10, safe)),
            rng_seed=2,
            model=reference_to(model, file_mark(model), ModelLabel("mine")),
        )
    ])[0]

    generated = history("replay", str(number)).encode()

    wild_text = generate(model, "bad", "-n", "30", "--rng-seed", "2", "-t", "5")
    assert generated[:13] == wild_text[:13]
    assert generated != wild_text
    assert generated != kept


def test_a_text_that_cannot_be_replayed_has_a_reason() -> None:
    origin = ModelReference(ModelLabel("mine"), None, None)
    History().add([
        Generation(
            seed_text="",
            text="abc",
            length=3,
            sampling=((0, SamplingConfig()),),
            rng_seed=1,
            model=origin,
            no_replay_because="characters were chosen by hand",
        )
    ])

    refused = run_here("history", "replay", "1")

    assert refused.returncode == 3
    assert b"cannot be generated again: characters were chosen by hand." in refused.stderr
    assert "not possible: characters were chosen by hand" in history("show", "1")


def test_the_list_and_the_search_show_rows(model: Path) -> None:
    for seed_text in ("abc", "bad", "cab"):
        generate(model, seed_text, "-n", "2", "--rng-seed", "1")

    heading, *rows = history().splitlines()
    assert heading.split() == ["ID", "WHEN", "MODEL", "TEXT"]
    assert [row.split()[0] for row in rows] == ["3", "2", "1"]
    cut = run_here("history", "list", "--limit", "2")
    assert cut.stdout.decode().splitlines() == [heading, *rows[:2]]
    assert cut.stderr == b"And 1 older ones; --limit shows more.\n"
    assert history("search", "BAD").splitlines() == [heading, rows[1]]
    assert [entry["id"] for entry in json.loads(history("search", "ca", "--json"))] == [3]
    nothing = run_here("history", "search", "never", "said")
    assert nothing.stderr == b"No text in the history contains 'never' and 'said'.\n"


def test_a_text_is_shown_with_all_that_it_came_from(model: Path) -> None:
    generate(model, "bad", "-n", "4", "--rng-seed", "9")
    entry = json.loads(history("show", "1", "--json"))

    shown = history("show", "1")

    for fact in (str(model), entry["model_sha256"], "RNG seed    9", "temperature 0.8"):
        assert fact in shown
    assert shown.endswith(f"\n\nbad{entry['text']}\n")


def test_texts_are_deleted_for_good(model: Path) -> None:
    for _ in range(3):
        generate(model, "-n", "2")

    assert run_here("history", "rm", "1", "8").returncode == 3
    assert len(listed()) == 3  # all or none
    assert json.loads(history("rm", "1", "2", "--json")) == {"removed": [1, 2]}
    assert [entry["id"] for entry in listed()] == [3]
    refused = run_here("history", "clear")
    assert (
        refused.returncode,
        b"delete the history, 1 text? There is no terminal" in refused.stderr,
    ) == (2, True)
    assert json.loads(history("clear", "--yes", "--json")) == {"removed": 1}
    assert listed() == []


@pytest.mark.parametrize(("typed", "removed"), [("n\n", 0), ("", 0), ("y\n", 1)])
def test_on_a_terminal_clear_asks(
    model: Path, monkeypatch: pytest.MonkeyPatch, typed: str, removed: int
) -> None:
    generate(model, "bad", "-n", "5")
    is_terminal = "tui_charrnn.cli.output._is_terminal"
    monkeypatch.setattr(is_terminal, lambda stream: stream is not sys.stdout)
    ended = run_here("history", "clear", "--json", stdin=typed.encode())
    assert json.loads(ended.stdout) == {"removed": removed}
    assert b"Permanently delete the history, 1 text? [y/N] " in ended.stderr
    assert len(listed()) == 1 - removed


@pytest.mark.parametrize("words", [["show", "7"], ["replay", "7"], ["rm", "7"], ["show", "9" * 30]])
def test_an_unknown_number_ends_with_3(words: list[str]) -> None:
    ended = run_here("history", *words)

    assert (ended.returncode, b"There is no text" in ended.stderr) == (3, True), ended.stderr


@pytest.mark.parametrize("words", [[""], [" ", "\u3000"]])
def test_blanks_are_nothing_to_look_for(words: list[str]) -> None:
    ended = run_here("history", "search", *words)

    assert (ended.returncode, b"Give at least one word" in ended.stderr) == (2, True)


def test_what_was_held_is_shown_once(model: Path) -> None:
    generate(model, "bad", "-n", "5", "--clamp", "0:c1=0.5")

    assert "\nclamped     0:c1=0.5\n" in history("show", "1")
