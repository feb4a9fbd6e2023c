"""Headless, a full disk is reported in one line, and its end in another."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tui_charrnn.cli.reporting import LineReporter
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import RunPlanned, SplitEvaluated
from tui_charrnn.viewing.run_view import RunView

WELL = RunStatus(state=RunState.TRAINING, step=8_100)
FULL = replace(WELL, degraded="disk full, last saved step 8,000")


def test_degraded_and_recovered_are_reported_once(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = LineReporter(RunView(RunDirectory(Path("run"))))
    for status in (WELL, FULL, FULL, WELL, WELL):
        reporter.show([], status)
    assert capsys.readouterr().err.splitlines() == [
        "Degraded: disk full, last saved step 8,000. Training continues, and saving is retried.",
        "Recovered: all is saved again.",
    ]


def test_a_trained_run_that_cannot_be_saved_gets_advice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    reporter = LineReporter(RunView(RunDirectory(Path("run"))))
    for left in (2, 2, 1):
        words = (
            f"disk full, last saved step 8,000; all steps are done, saving is retried for {left} "
            "min"
        )
        reporter.show([], replace(FULL, total_steps=8_100, degraded=words))
    lines = capsys.readouterr().err.splitlines()
    advice = "Free some space, or press Ctrl-C to exit without the last steps."
    assert [line.partition("tried for ")[2] for line in lines] == [
        f"{left} min. {advice}" for left in (2, 1)
    ]


def test_lines_of_numbers_are_marked_while_degraded(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = LineReporter(RunView(RunDirectory(Path("run"))))
    reporter.show([SplitEvaluated(8_100, 2.5, False, 9.0)], FULL)
    reporter.show([SplitEvaluated(8_200, 2.5, False, 9.0)], WELL)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("time=")]
    assert [" state=degraded" in line for line in lines] == [True, False]


def test_a_line_a_minute_is_printed_while_the_disk_is_full(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 1000.0
    monkeypatch.setattr("tui_charrnn.cli.reporting.time.monotonic", lambda: now)
    view = RunView(RunDirectory(Path("run")))
    view.take([RunPlanned(8_150, 100, 50, 4, 0.1)])
    reporter = LineReporter(view)
    reporter.show([SplitEvaluated(8_000, 2.5, False, 9.0)], WELL)
    for second in range(0, 200, 10):
        now = 1000.0 + second
        reporter.show([], replace(FULL, step=8_100 + second, total_steps=8_290))
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("time=")]
    assert all(line.split()[1].endswith("/8290") for line in lines[1:])
    steps = [re.search(r"step=(\d+)/.* state=(\w+)", line) for line in lines[1:]]
    assert [found and found.groups() for found in steps] == [
        ("8160", "degraded"),
        ("8220", "degraded"),
        ("8280", "degraded"),
    ]
