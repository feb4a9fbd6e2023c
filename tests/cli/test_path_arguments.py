"""Every path argument of every command, and every path setting, against every kind of bad path.

Each command ends immediately, with one sentence and the exit code of that kind of path.
"""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.closed_folder import closed
from tests.support.command import loaded_command_line
from tests.support.fake_run import fake_run
from tui_charrnn import paths
from tui_charrnn.cli.main import run
from tui_charrnn.text import sources

Capture = pytest.CaptureFixture[str]

READ = {
    "app --tape": ["--tape", "{}"],
    "app --xray": ["--xray", "{}"],
    "app --seed-file": ["--seed-file", "{}"],
    "train CORPUS...": ["train", "--headless", "{}"],
    "resume RUN": ["resume", "--headless", "{}"],
    "generate --model": ["generate", "--model", "{}"],
    "train --from": ["train", "--headless", "text.txt", "--from", "{}"],
    "generate --seed-file": ["generate", "--seed-file", "{}"],
    "generate --corpus": ["generate", "--corpus", "{}"],
    "score FILE...": ["score", "{}"],
    "score --model": ["score", "text.txt", "--model", "{}"],
    "memory MODEL": ["memory", "{}", "--text", "pydoc"],
    "which --model": ["which", "text", "--model", "{}", "--model", "python"],
    "fill --model": ["fill", "a_b", "--model", "{}"],
    "fill --over": ["fill", "--over", "{}"],
    "fill --bidirectional": ["fill", "a_b", "--bidirectional", "{}"],
    "embedding FILE|RUN|NAME": ["embedding", "{}"],
    "neurons CORPUS...": ["neurons", "{}"],
    "neurons --model": ["neurons", "text.txt", "--model", "{}"],
    "attach RUN": ["attach", "{}"],
    "stop RUN": ["stop", "{}"],
    "set RUN": ["set", "{}", "--learning-rate", "1"],
    "pause RUN": ["pause", "{}"],
    "unpause RUN": ["unpause", "{}"],
    "doctor RUN": ["doctor", "{}"],
    "runs show RUN": ["runs", "show", "{}"],
    "runs rename RUN": ["runs", "rename", "{}", "other"],
    "runs export RUN": ["runs", "export", "{}"],
    "runs note RUN": ["runs", "note", "{}"],
    "runs tag RUN": ["runs", "tag", "{}", "word"],
    "runs compare RUN RUN...": ["runs", "compare", "{}", "fake"],
    "models export FILE|RUN|NAME": ["models", "export", "{}"],
    "models numbers FILE|RUN|NAME": ["models", "numbers", "{}"],
    "models show FILE|RUN|NAME": ["models", "show", "{}"],
    "models calibrate FILE|RUN|NAME": ["models", "calibrate", "{}", "copy"],
    "models calibrate --text": ["models", "calibrate", "python", "copy", "--text", "{}"],
    "runs rm RUN...": ["runs", "rm", "{}", "--yes"],
    "corpora inspect CORPUS...": ["corpora", "inspect", "{}"],
}
"""Arguments of paths that are read."""

WRITTEN = {
    "score --html": ["score", "text.txt", "--html", "{}"],
    "runs export FILE": ["runs", "export", "fake", "{}"],
    "models export FILE": ["models", "export", "python", "{}"],
    "models calibrate FILE": ["models", "calibrate", "python", "{}", "--text", "text.txt"],
}
"""Arguments of files that are written."""

NO_PATH = ("no user", "long name", "nul")
SPECIAL = ("circle", "closed", "pipe", "device", "socket")
BAD = (*NO_PATH, *SPECIAL, "folder", "pattern")
ELSEWHERE = {"app --model", "app --runs-dir", "learn --model", "runs export --model"}
"""Other path arguments: they have their own test below, or the app shows the error."""


@pytest.fixture(scope="module")
def commands() -> set[str]:
    """The path arguments of every command, as its help names them."""
    found = set()
    pending = [("", loaded_command_line())]
    while pending:
        name, command = pending.pop()
        for parameter in command.params:
            option = max(parameter.opts, key=len) if parameter.opts[0].startswith("-") else ""
            kind = str(parameter.metavar)
            if {"FILE", "FOLDER", "RUN", "CORPUS"} & set(kind.rstrip(".").split("|")):
                found.add(f"{name.strip() or 'app'} {option or kind}")
        for child, below in getattr(command, "commands", {}).items():
            pending.append((f"{name} {child}", below))
    return found


@pytest.fixture
def bad_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Bad paths by kind; the current folder contains a good text."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(paths, "PIPE_PATIENCE", 0.0)
    monkeypatch.setattr(sources, "MAX_ENTRIES", 1_000)
    Path("text.txt").write_text("to be, or not to be: that is the question.\n" * 50, "utf-8")
    Path("circle").symlink_to("circle")
    Path("shut").mkdir()
    Path("shut/text.txt").write_text("x", "utf-8")
    os.mkfifo("pipe")
    Path("empty").mkdir()
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind("socket")
        stack.enter_context(closed(Path("shut")))
        yield {
            "no user": "~nosuch/x",
            "long name": "x" * 300,
            "nul": "a\0b",
            "circle": "circle",
            "closed": "shut/text.txt",
            "pipe": str(folder / "pipe"),
            "device": "/dev/zero",
            "socket": "socket",
            "folder": "empty",
            "pattern": "/**/*.nothing",
        }


def ended_with(arguments: list[str], path: str, capsys: Capture) -> tuple[int, str]:
    """Exit code and message of a command; the message must be one sentence."""
    code = run([path if word == "{}" else word for word in arguments])
    printed = capsys.readouterr().err
    assert printed.splitlines()[-1].startswith("charrnn-tui: "), printed
    assert "defect" not in printed, printed
    return code, printed


def test_every_path_argument_is_in_the_table(commands: set[str]) -> None:
    known = {*READ, *WRITTEN, *ELSEWHERE}
    assert {name for name in commands if not name.endswith("--runs-dir")} - known == set()


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("argument", READ)
def test_what_is_read(argument: str, kind: str, bad_paths: dict[str, str], capsys: Capture) -> None:
    code, printed = ended_with(READ[argument], bad_paths[kind], capsys)
    expected = 2 if (argument, kind) == ("generate --model", "nul") else 3  # also a setting
    assert code == expected, printed


@pytest.mark.parametrize(
    "kind", [kind for kind in BAD if kind not in {"folder", "pattern", "device"}]
)
@pytest.mark.parametrize("argument", WRITTEN)
def test_what_is_written(
    argument: str, kind: str, bad_paths: dict[str, str], capsys: Capture, isolated_home: Path
) -> None:
    fake_run(isolated_home / "runs")
    code, printed = ended_with(WRITTEN[argument], bad_paths[kind], capsys)
    # the name of an archive, and the suffix .keras, are checked before the file is opened
    is_usage = kind in {*NO_PATH, "socket"} or argument == "runs export FILE"
    is_usage = is_usage or (argument == "models export FILE" and kind == "pipe")
    # the text is found too short before a pipe is opened
    is_data = (argument, kind) == ("models calibrate FILE", "pipe")
    assert code == (2 if is_usage else 3 if is_data else 6), printed


@pytest.mark.parametrize("kind", NO_PATH)
def test_a_model_that_is_written(
    kind: str, bad_paths: dict[str, str], capsys: Capture, isolated_home: Path
) -> None:
    fake_run(isolated_home / "runs")
    code, printed = ended_with(["runs", "export", "fake", "--model", "{}"], bad_paths[kind], capsys)
    assert code == 2, printed


NEED_RUNS = {
    "generate": ["generate", "-m", "fake"],
    "score": ["score", "text.txt", "-m", "fake"],
    "which": ["which", "text", "-m", "fake", "-m", "python"],
    "fill": ["fill", "a_b", "-m", "fake"],
    "embedding": ["embedding", "fake"],
    "memory": ["memory", "fake", "--text", "pydoc"],
    "neurons": ["neurons", "text.txt", "-m", "fake"],
    "models": ["models"],
    "attach": ["attach", "fake"],
    "stop": ["stop", "fake"],
    "set": ["set", "fake", "--learning-rate", "1"],
    "pause": ["pause", "fake"],
    "unpause": ["unpause", "fake"],
    "doctor": ["doctor", "fake"],
    "resume": ["resume", "--headless", "fake"],
    "runs": ["runs"],
    "runs list": ["runs", "list"],
    "runs show": ["runs", "show", "fake"],
    "runs rename": ["runs", "rename", "fake", "other"],
    "runs export": ["runs", "export", "fake"],
    "runs rm": ["runs", "rm", "fake", "--yes"],
    "runs restore": ["runs", "restore", "fake"],
    "runs note": ["runs", "note", "fake"],
    "runs tag": ["runs", "tag", "fake", "word"],
    "runs compare": ["runs", "compare", "fake", "other"],
    "models list": ["models", "list"],
    "models export": ["models", "export", "fake"],
    "models numbers": ["models", "numbers", "fake"],
    "models show": ["models", "show", "fake"],
    "models calibrate": ["models", "calibrate", "fake", "copy"],
    "train": ["train", "--headless", "text.txt", "--name", "fake"],
}
"""Commands with --runs-dir."""


def test_every_runs_dir_is_in_the_table(commands: set[str]) -> None:
    having = {name.removesuffix(" --runs-dir") for name in commands if "--runs-dir" in name}
    assert having - {*NEED_RUNS, "app", "learn"} == set()


@pytest.mark.parametrize("kind", ["no user", "circle", "closed", "pipe"])
@pytest.mark.parametrize("command", NEED_RUNS)
def test_the_folder_of_the_runs(
    command: str, kind: str, bad_paths: dict[str, str], capsys: Capture
) -> None:
    code, printed = ended_with([*NEED_RUNS[command], "--runs-dir", "{}"], bad_paths[kind], capsys)
    expected = 2 if kind == "no user" else 6 if command == "train" else 3
    assert code == expected, printed


@pytest.mark.parametrize("kind", ["no user", "long name"])
@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("CHARRNN_RUNS", "runs"),
        ("CHARRNN_RUNS", "generate -m fake"),
        ("CHARRNN_RUNS", "resume --headless fake"),
        ("CHARRNN_RUNS", "train --headless text.txt"),
        ("CHARRNN_CACHE", "corpora"),
        ("CHARRNN_CACHE", "corpora inspect pydoc"),
        ("CHARRNN_CACHE", "train --headless text.txt"),
        ("CHARRNN_CACHE", "generate --originality"),
        ("CHARRNN_CONFIG", "config show"),
        ("CHARRNN_CONFIG", "config path"),
        ("CHARRNN_CONFIG", "config init"),
        ("CHARRNN_CONFIG", "generate"),
    ],
)
def test_a_variable_that_is_no_path(
    variable: str,
    words: str,
    kind: str,
    bad_paths: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    monkeypatch.setenv(variable, bad_paths[kind])
    code, printed = ended_with(words.split(), "", capsys)
    assert (code, variable in printed) == (2, True), printed


@pytest.mark.parametrize("kind", [*SPECIAL, "folder"])
def test_a_file_of_settings_that_is_none(
    kind: str, bad_paths: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("CHARRNN_CONFIG", bad_paths[kind])
    code, printed = ended_with(["generate"], "", capsys)
    assert code == 2, printed


@pytest.mark.parametrize("kind", NO_PATH)
@pytest.mark.parametrize(("name", "code"), [("runs_dir", 2), ("model", 3)])
def test_a_setting_that_is_no_path(
    name: str,
    code: int,
    kind: str,
    bad_paths: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    Path("settings.toml").write_text(f"{name} = {json.dumps(bad_paths[kind])}\n", "utf-8")
    monkeypatch.setenv("CHARRNN_CONFIG", "settings.toml")
    monkeypatch.delenv("CHARRNN_RUNS")
    ended, printed = ended_with(["generate" if name == "model" else "runs"], "", capsys)
    assert ended == (2 if kind == "nul" else code), printed


def test_the_cache_is_expanded(
    isolated_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("CHARRNN_CACHE", "~/kept")
    assert run(["corpora", "--json"]) == 0
    assert str(isolated_home / "kept" / "corpora") in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_the_text_of_a_run_is_not_waited_for(
    kind: str, bad_paths: dict[str, str], isolated_home: Path, capsys: Capture
) -> None:
    made = fake_run(isolated_home / "runs")
    description = json.loads(made.description.read_text("utf-8"))
    description["corpus"]["sources"] = [bad_paths[kind]]
    made.description.write_text(json.dumps(description), "utf-8")
    assert run(["doctor", "fake"]) == 3
    assert f"it is a {kind}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("variable", "words", "code"),
    [
        ("XDG_DATA_HOME", "history", 3),
        ("XDG_DATA_HOME", "history show 1", 3),
        ("XDG_DATA_HOME", "history search x", 3),
        ("XDG_CONFIG_HOME", "config path", 0),
        ("XDG_CONFIG_HOME", "config init", 6),
    ],
)
def test_a_closed_home(
    variable: str,
    words: str,
    code: int,
    bad_paths: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    monkeypatch.setenv(variable, str(Path("shut").absolute()))
    assert run(words.split()) == code
    assert "rror:" not in capsys.readouterr().err


def test_a_completion_that_cannot_be_installed(
    bad_paths: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("HOME", str(Path("shut").absolute()))
    monkeypatch.setattr("shellingham.detect_shell", lambda *_: ("bash", "/bin/bash"))
    code, printed = ended_with(["--install-completion"], "", capsys)
    assert (code, "--show-completion" in printed) == (6, True)
