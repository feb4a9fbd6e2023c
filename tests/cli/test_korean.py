"""The help in Korean: for whom, and whether it is whole."""

import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from rich.cells import cell_len
from typer.main import get_command

from tests.support.command import run_program
from tui_charrnn.cli.korean import OPTIONS, SENTENCES, speak_korean, wants_korean
from tui_charrnn.cli.main import command_line

HANGUL = re.compile("[가-힣]")
KOREAN = {"CHARRNN_LANG": "ko", "PYTHONIOENCODING": "utf-8"}


def paths_of(command: Any, words: tuple[str, ...] = ()) -> Iterator[str]:
    yield " ".join(words)
    for name, child in getattr(command, "commands", {}).items():
        yield from paths_of(child, (*words, name))


def test_every_command_has_its_sentence_and_none_is_left_over() -> None:
    assert set(paths_of(get_command(command_line(["--help"])))) == SENTENCES.keys()


def test_every_option_of_the_program_itself_has_its_sentence() -> None:
    command: Any = get_command(command_line(["--help"]))
    context = typer.Context(command, **command.context_settings)
    assert {parameter.name for parameter in command.get_params(context)} == OPTIONS.keys()
    speak_korean(command)
    assert all(HANGUL.search(each.help) for each in command.get_params(context))
    assert {"-h", "--help"} in [set(each.opts) for each in command.get_params(context)]


@pytest.mark.parametrize("path", [path for path in SENTENCES if path])
def test_a_sentence_fits_beside_its_command_in_80_columns(path: str) -> None:
    longest = max(len(name) for name in path.split())
    assert cell_len(SENTENCES[path]) + max(longest, len("generate")) + 4 <= 79


@pytest.mark.parametrize(
    ("variables", "is_korean"),
    [
        ({"LANG": "ko_KR.UTF-8"}, True),
        ({"LC_MESSAGES": "ko_KR.UTF-8", "LANG": "en_US.UTF-8"}, True),
        ({"LC_ALL": "C", "LANG": "ko_KR.UTF-8"}, False),
        ({"CHARRNN_LANG": "ko", "LC_ALL": "C"}, True),
        ({"CHARRNN_LANG": "ko-KR"}, True),
        ({"CHARRNN_LANG": "en", "LANG": "ko_KR.UTF-8"}, False),
        ({"LANG": "kok_IN.UTF-8"}, False),  # Konkani
        ({"CHARRNN_LANG": "", "LANG": ""}, False),
        ({}, False),
    ],
)
def test_the_environment_chooses_the_language(variables: dict[str, str], is_korean: bool) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    assert wants_korean(stream, variables) is is_korean


@pytest.mark.parametrize(("encoding", "has_hangul"), [("ascii", False), ("euc-kr", True)])
def test_a_stream_without_hangul_gets_english(encoding: str, has_hangul: bool) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    assert wants_korean(stream, {"CHARRNN_LANG": "ko"}) is has_hangul


def test_the_help_is_korean_and_the_rest_of_it_stays() -> None:
    top = run_program("--help", variables=KOREAN).stdout.decode()
    assert SENTENCES[""].split(".")[0] in top
    assert all(sentence in top for path, sentence in SENTENCES.items() if path and " " not in path)
    train = run_program("train", "--help", variables=KOREAN).stdout.decode()
    assert train.index(SENTENCES["train"]) < train.index("Exit codes: 0 finished")
    assert "Train a model" not in train


def test_without_a_wish_the_help_is_english() -> None:
    told = run_program("runs", "--help", variables={"CHARRNN_LANG": "", "LC_ALL": "C.UTF-8"})
    assert b"List the runs, or look after them." in told.stdout
