"""The help, and options in a wrong place."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from tests.support.command import loaded_command_line
from tests.support.fake_run import fake_run
from tui_charrnn.cli.main import run

Capture = pytest.CaptureFixture[str]


def pages(command: Any, above: typer.Context | None = None) -> Iterator[tuple[str, str]]:
    """The help page of every command, 80 columns wide, by its command line."""
    name = "charrnn-tui" if above is None else command.name
    context = typer.Context(command, parent=above, info_name=name, terminal_width=80)
    yield context.command_path, command.get_help(context)
    for child in getattr(command, "commands", {}).values():
        yield from pages(child, context)


PAGES = dict(pages(loaded_command_line()))


@pytest.mark.parametrize("page", PAGES.values(), ids=list(PAGES))
def test_no_sentence_is_cut_off(page: str) -> None:
    assert not [line for line in page.splitlines()[1:] if line.endswith("...")]


def test_a_command_is_listed_by_its_whole_first_sentence() -> None:
    listed = " ".join(PAGES["charrnn-tui"].split())
    assert "saved before its end, or lost." in listed
    settings = " ".join(PAGES["charrnn-tui config"].split())
    assert "explains every setting and changes none." in settings


@pytest.mark.parametrize("words", list(PAGES))
def test_values_are_named_in_capitals_and_not_by_their_type(words: str) -> None:
    usage, options = PAGES[words].split("\n", 1)
    assert not [kind for kind in ("<str>", "<path>", "<int", "<float") if kind in options]
    assert usage.removeprefix(f"Usage: {words}").strip() == usage.split(words)[1].strip().upper()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["models", "calibrate", "korean"],
            "'FILE'. Model file to write; the original is not changed.",
        ),
        (["history", "replay", "abc"], "'abc' is not a valid int. Number of a listed text."),
    ],
)
def test_an_error_about_an_argument_tells_what_it_is(
    arguments: list[str], sentence: str, capsys: Capture
) -> None:
    assert run(arguments) == 2
    assert capsys.readouterr().err.endswith(f"{sentence}\n")


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (["--runs-dir", "x", "runs"], "charrnn-tui runs --runs-dir FOLDER"),
        (["--model", "python", "generate", "x"], "charrnn-tui generate --model FILE|RUN|NAME"),
        (["-m", "python", "generate", "x"], "charrnn-tui generate --model FILE|RUN|NAME"),
        (["--ascii", "attach", "x"], "charrnn-tui attach --ascii"),
        (["runs", "--json", "show", "x"], "charrnn-tui runs show --json"),
        (["history", "-n", "20", "list"], "charrnn-tui history list --limit N"),
        (["corpora", "--json", "inspect", "x"], "charrnn-tui corpora inspect --json"),
        (["config", "--json", "path"], "charrnn-tui config path --json"),
    ],
)
def test_an_option_before_the_command_is_refused_with_its_place(
    arguments: list[str], place: str, capsys: Capture
) -> None:
    assert run(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == f"charrnn-tui: Put options after the command, as in: {place}\n"


@pytest.mark.parametrize(
    ("group", "command"),
    [("runs", "list"), ("history", "list"), ("corpora", "list"), ("models", "list")],
)
def test_a_group_without_a_command_lists(group: str, command: str, capsys: Capture) -> None:
    outputs = []
    for words in ([group], [group, command], [group, "--json"], [group, command, "--json"]):
        assert run(words) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    assert outputs[2] == outputs[3] != ""


def test_the_settings_without_a_command_are_shown(capsys: Capture) -> None:
    outputs = []
    for words in (["config"], ["config", "show"], ["config", "--json"]):
        assert run(words) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    assert "temperature" in outputs[0]
    assert outputs[2].startswith('{"file"')


def test_a_file_is_no_folder_of_runs(tmp_path: Any, capsys: Capture) -> None:
    fake_run(tmp_path)
    assert run(["runs", "--runs-dir", str(tmp_path / "fake" / "run.json")]) == 3
    assert "run.json is not a folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["generate", "--top-k", "0"], "--top-k must be at least 1"),
        (["generate", "--rng-seed", "-4"], "--rng-seed must be at least 0"),
        (["lab", "clipping", "--steps", "0"], "--steps must be at least 1 and at most 10,000"),
        (["generate", "--numbers", "int4"], "--numbers must be one of float32, int8, auto"),
        (["train", "--headless", "x", "--hidden-size", "0"], "--hidden-size must be at least 1"),
        (["train", "--headless", "x", "--encoding", "klingon"], "--encoding: There is no text"),
        (["corpora", "inspect", "x", "--encoding", "klingon"], "--encoding: There is no text"),
    ],
)
def test_a_value_is_refused_by_the_name_of_its_option(
    arguments: list[str], printed: str, capsys: Capture
) -> None:
    assert run(arguments) == 2
    assert f"charrnn-tui: {printed}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["generate", "-n", "-1"], "-1 is not in the range x>=0"),
        (["generate", "--count", "1025"], "1025 is not in the range 1<=x<=1024"),
        (["generate", "--copied-length", "1"], "1 is not in the range x>=2"),
        (["fill", "a_b", "--beam", "9999"], "9999 is not in the range 1<=x<=4096"),
        (["embedding", "--count", "0"], "0 is not in the range x>=1"),
    ],
)
def test_a_whole_number_out_of_its_bounds_is_refused(
    arguments: list[str], printed: str, capsys: Capture
) -> None:
    assert run(arguments) == 2
    assert printed in capsys.readouterr().err
