"""Which commands are loaded for which arguments."""

import subprocess
import sys

import pytest

from tests.support.command import ROOT, run_program
from tui_charrnn.cli.main import COMMANDS, load_command


def loaded_by(*arguments: str) -> set[str]:
    """The modules of commands that a command line loads."""
    code = (
        f"import sys; from tui_charrnn.cli.main import run; run({list(arguments)!r}); "
        "print('MODULES', *sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, text=True
    )
    modules = set(ended.stdout.rpartition("MODULES ")[2].split())
    places = {place.partition(":")[0] for place, _ in COMMANDS.values()} - {"main"}
    return {name for name in places if f"tui_charrnn.cli.{name}" in modules}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--help"], set()),
        (["trian"], set()),
        (["models", "--help"], {"models"}),
        (["stop", "--help"], {"control"}),
        (["--runs-dir", "x", "stop", "y"], set()),
    ],
)
def test_what_is_called_is_loaded(arguments: list[str], expected: set[str]) -> None:
    assert loaded_by(*arguments) == expected


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_listed_by_its_own_first_sentence(name: str) -> None:
    words = " ".join(load_command(name).help.split("\n\n")[0].split())
    assert words == COMMANDS[name][1]


def test_every_command_is_in_the_help() -> None:
    printed = run_program("--help").stdout.decode()
    assert all(f"  {name} " in printed for name in COMMANDS)


def test_a_shell_gets_the_names_of_commands() -> None:
    variables = {
        "_CHARRNN_TUI_COMPLETE": "complete_bash",
        "COMP_WORDS": "charrnn-tui att",
        "COMP_CWORD": "1",
    }
    assert run_program(variables=variables).stdout.split() == [b"attach"]
