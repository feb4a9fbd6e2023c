"""The command `lab clipping`."""

import json
from functools import partial

import pytest

from tests.support.command import invoke_alone, run_here
from tui_charrnn.cli.gradients import lab_app
from tui_charrnn.errors import ConfigError

invoke = partial(invoke_alone, lab_app, "clipping")


def test_both_runs_are_reported() -> None:
    document = json.loads(invoke("--json").stdout)
    assert [run["limit"] for run in document["runs"]] == [None, 1.0]
    assert [run["diverged"] for run in document["runs"]] == [True, False]
    assert max(document["runs"][1]["applied"]) <= 1 + 1e-9


def test_the_picture_is_ascii_on_request() -> None:
    drawn = invoke("--steps", 20, "--ascii").stdout
    assert drawn.isascii()
    assert "gradient norm" in drawn


@pytest.mark.parametrize("option", [("--limit", 0), ("--radius", -1), ("--learning-rate", "nan")])
def test_numbers_out_of_bounds_are_refused(option: tuple[str, object]) -> None:
    error = invoke(*option).exception
    assert isinstance(error, ConfigError)
    assert option[0] in " ".join(error.lines)


def test_without_an_experiment_its_help_is_shown_line_by_line() -> None:
    ended = run_here("lab")
    assert ended.returncode == 2
    lines = ended.stderr.decode().splitlines()
    assert lines[0].startswith("Usage: ")
    assert any(line.split()[:1] == ["clipping"] for line in lines)
