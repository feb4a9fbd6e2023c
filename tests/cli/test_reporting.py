"""How a run is told on the command line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tui_charrnn.cli import reporting
from tui_charrnn.cli.reporting import BarReporter, LineReporter
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import (
    LearningRateChanged,
    RequestAnswered,
    RunEnded,
    RunRolledBack,
    SplitEvaluated,
)
from tui_charrnn.viewing.run_view import RunView


@pytest.mark.parametrize("kind", [LineReporter, BarReporter])
def test_a_change_and_a_rollback_are_one_line_each(
    kind: Callable[[RunView], LineReporter | BarReporter],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    reporter = kind(RunView(RunDirectory(tmp_path)))
    reporter.show([LearningRateChanged(41, 0.003, "request")], None)
    reporter.show([RequestAnswered("learning_rate", True, "it is 0.003 from step 41 on")], None)
    reporter.show([RunRolledBack(45, 40, "loss", "nan", 0.0015, 1)], None)
    reporter.show([LearningRateChanged(41, 0.0015, "divergence")], None)
    reporter.close()
    told = [line for line in capsys.readouterr().err.splitlines() if "learning rate" in line]
    assert told == [
        "Peak learning rate 0.003 from step 41 on.",
        "The loss became nan at step 45: back to step 40, peak learning rate 0.0015 (rollback 1).",
    ]


def test_json_prints_them_as_they_are_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reporter = reporting.JsonReporter(RunView(RunDirectory(tmp_path)))
    reporter.show([RunRolledBack(45, 40, "loss", "nan", 0.0015, 1)], None)
    assert capsys.readouterr().out == (
        '{"kind":"rolled_back","step":45,"to_step":40,"quantity":"loss","value":"nan",'
        '"learning_rate":0.0015,"attempt":1}\n'
    )


def test_the_last_evaluation_is_told_before_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reporter = LineReporter(RunView(RunDirectory(tmp_path)))
    evaluated = SplitEvaluated(30, 2.5, is_best=True, elapsed=1.0)
    reporter.show([evaluated, RunEnded("finished", 30, 2.5, 30, 0, 1.0)], None)
    numbers, end = capsys.readouterr().err.splitlines()
    assert "validation_loss=2.5000" in numbers
    assert end.endswith("finished at 30.")
