"""Without a screen, a run whose disk is full says so in a line, and again when it is well."""

from dataclasses import replace
from pathlib import Path

import pytest

from tui_charrnn.cli.reporting import LineReporter
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import SplitEvaluated
from tui_charrnn.viewing.run_view import RunView

WELL = RunStatus(state=RunState.TRAINING, step=8_100)
FULL = replace(WELL, degraded="disk full, last saved step 8,000")


def test_it_is_told_once_and_taken_back(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = LineReporter(RunView(RunDirectory(Path("run"))))
    for status in (WELL, FULL, FULL, WELL, WELL):
        reporter.show([], status)
    assert capsys.readouterr().err.splitlines() == [
        "Degraded: disk full, last saved step 8,000. Training goes on, and saving is tried again.",
        "Recovered: all is saved again.",
    ]


def test_every_line_of_numbers_says_it(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = LineReporter(RunView(RunDirectory(Path("run"))))
    reporter.show([SplitEvaluated(8_100, 2.5, False, 9.0)], FULL)
    reporter.show([SplitEvaluated(8_200, 2.5, False, 9.0)], WELL)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("time=")]
    assert [" state=degraded" in line for line in lines] == [True, False]
