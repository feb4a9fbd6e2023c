"""No command sends control characters of a name or a text to the terminal."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from tests.support.fake_run import FakeTrainer, created_run, fake_run
from tests.support.generations import make_generation
from tests.support.hostile_text import STRINGS, as_argument, as_file_name, harm_in
from tests.support.tiny_model import tiny_model_file
from tui_charrnn.cli.main import run
from tui_charrnn.history.generation import ModelReference
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.history.store import History
from tui_charrnn.preferences import preferences_file
from tui_charrnn.runs.json_values import encode_json
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description
from tui_charrnn.runs.storage import Storage

Commands: TypeAlias = list[list[str]]
Place: TypeAlias = Callable[[Path, str], Commands]
"""Stores a string somewhere, and returns the commands that show it or report an error with it."""


def run_name(folder: Path, string: str) -> Commands:
    name = as_file_name(string)
    fake_run(folder.parent / "runs").path.rename(folder.parent / "runs" / name)
    words = [
        ["show"],
        ["rename", name + "2"],
        ["export", "-o", str(folder / name)],
        ["rm", "--yes"],
    ]
    run_commands = [["runs", first, name, *rest] for first, *rest in words]
    asked = [[first, name] for first in ("stop", "pause", "unpause", "doctor", "resume")]
    return [["runs"], *asked, *run_commands, ["runs", "restore", name]]


def run_facts(folder: Path, string: str) -> Commands:
    made = created_run(folder.parent / "runs", pinned_seeds=("to be",))
    described = read_description(made)
    corpus = replace(described.corpus, name=string, sources=(string,))
    described = replace(described, corpus=corpus, preset=string, host=string, created=string)
    Storage().write_atomically(made.description, encode_json(described.to_json()))
    with FakeTrainer(made) as trainer:
        trainer.start()
        trainer.sample("to be", string)
        trainer.fail(string)
    made.log.write_bytes(string.encode("utf-8", "surrogatepass") + b"\n")
    return [["runs"], ["runs", "show", "fake"], ["doctor", "fake"], ["models"]]


def damaged_run(folder: Path, string: str) -> Commands:
    made: RunDirectory = created_run(folder.parent / "runs")
    made.description.write_text(json.dumps({"format": string, string: string}))
    return [["runs"], ["runs", "show", "fake"], ["doctor", "fake"]]


def model(folder: Path, string: str) -> Commands:
    known = {char for char in string if not "\ud800" <= char <= "\udfff"} | set("ab\n")
    path = str(tiny_model_file(folder / "m.safetensors", vocabulary="".join(sorted(known))))
    text = folder / "text"
    text.write_text("".join(known), encoding="utf-8")
    speak = ["generate", "ab", "--model", path, "-n", "200", "--no-history"]
    return [
        speak,
        ["score", str(text), "--model", path],
        ["score", str(text), "--lines", "-m", path],
    ]


def model_name(folder: Path, string: str) -> Commands:
    path = folder / as_file_name(string)
    path.write_bytes(b"no model")
    (folder.parent / "runs").mkdir()
    damaged = [["generate", "--model", str(path)], ["score", str(path), "--model", str(path)]]
    return [*damaged, ["generate", "--model", as_argument(string)], ["models"]]


def seed_text(folder: Path, string: str) -> Commands:
    speak = ["generate", "--model", str(tiny_model_file(folder / "m")), "-n", "2", "--no-history"]
    return [
        [*speak, "--", as_argument(string)],
        [*speak, "--stop", as_argument(string)],
        [*speak, "--seed-file", as_argument(string)],
        [*speak, "--temperature", as_argument(string)],
        [*speak, "-n", as_argument(string)],
    ]


def text_file(folder: Path, string: str) -> Commands:
    path = folder / as_file_name(string)
    path.write_bytes((string * 3 + "\n").encode("utf-8", "surrogatepass") * 9)
    spoken = str(tiny_model_file(folder / "m"))
    score = ["score", str(path), "--model", spoken]
    missing = str(folder / as_file_name("no " + string))
    return [
        score,
        [*score, "--lines"],
        ["score", missing, "--model", spoken],
        ["corpora", "inspect", str(path)],
        ["corpora", "inspect", missing],
        ["train", "--headless", missing],
        ["train", "--headless", str(path), "--preset", as_argument(string)],
        ["train", "--headless", str(path), "--name", as_argument(string) + "/"],
    ]


def history(folder: Path, string: str) -> Commands:
    origin = ModelReference(ModelLabel.parse(string), str(folder / as_file_name(string)), "ab" * 32)
    History().add([
        make_generation(string, string, model=origin),
        make_generation(string, no_replay_because=string),
    ])
    return [
        ["history"],
        ["history", "show", "1"],
        ["history", "show", "2"],
        ["history", "search", "evil"],
        ["history", "search", as_argument("no " + string)],
        ["history", "replay", "1"],
        ["history", "replay", "2"],
    ]


def settings(_: Path, string: str) -> Commands:
    text = json.dumps("".join(char for char in string if not "\ud800" <= char <= "\udfff"))
    path = preferences_file()
    path.parent.mkdir(parents=True)
    path.write_text(
        f"theme = {text}\nmodel = {text}\npace = {text}\n{text} = 1\n[keys]\n{text} = {text}\n"
        f'"text.more" = {text}\n'
    )
    return [["config", "show"], ["generate"]]


def arguments(_: Path, string: str) -> Commands:
    word = as_argument(string)
    return [
        [word],
        ["--" + word],
        ["--tape", word],
        ["generate", "--" + word],
        ["generate", "-n", word],
        ["runs", word],
        ["runs", "show", word],
        ["runs", "--runs-dir", word],
        ["attach", word],
        ["history", "show", word],
        ["set", word, word],
    ]


PLACES: Final[tuple[Place, ...]] = (
    run_name,
    run_facts,
    damaged_run,
    model,
    model_name,
    seed_text,
    text_file,
    history,
    settings,
    arguments,
)


@pytest.mark.parametrize("kind", STRINGS)
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_a_terminal_gets_no_control_that_is_not_ours(
    place: Place,
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CHARRNN_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TERM", "dumb")  # no progress bar, which writes control characters
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "here"
    folder.mkdir()
    for words in place(folder, STRINGS[kind]):
        for stream in (sys.stdout, sys.stderr):
            monkeypatch.setattr(stream, "isatty", lambda: True)
        run(words)
        printed = capsys.readouterr()
        shows_text = words[0] == "generate" or words[1:2] == ["show"]
        assert harm_in(printed.out, is_text=shows_text) == [], words
        assert harm_in(printed.err) == [], words
