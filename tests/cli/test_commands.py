"""Which commands are loaded for which arguments."""

import pytest

from tests.support.command import run_program
from tui_charrnn.cli.main import COMMANDS, wanted_commands


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_needs_itself_alone(name: str) -> None:
    assert wanted_commands([name, "--runs-dir", "train"]) == [name]


@pytest.mark.parametrize("arguments", [["--help"], ["trian"], ["--runs-dir", "x", "attach", "y"]])
def test_whatever_is_not_clear_at_once_needs_all(arguments: list[str]) -> None:
    assert wanted_commands(arguments) == list(COMMANDS)


def test_the_app_needs_none() -> None:
    assert wanted_commands([]) == []


def test_a_shell_that_completes_a_line_needs_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_CHARRNN_TUI_COMPLETE", "complete_bash")
    assert wanted_commands([]) == list(COMMANDS)


def test_every_command_is_found_and_in_the_help() -> None:
    told = run_program("--help").stdout.decode()
    assert all(f"  {name} " in told for name in COMMANDS)
    for name in COMMANDS:
        assert run_program(name, "--help").returncode == 0


def test_a_shell_gets_the_names_of_commands() -> None:
    variables = {
        "_CHARRNN_TUI_COMPLETE": "complete_bash",
        "COMP_WORDS": "charrnn-tui att",
        "COMP_CWORD": "1",
    }
    assert run_program(variables=variables).stdout.split() == [b"attach"]
