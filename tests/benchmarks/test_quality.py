"""The command that quality trains with, and its tables."""

import argparse
from pathlib import Path

from benchmarks.quality import curve_table, marks_table, summary_table, train_command
from benchmarks.run_history import RunHistory
from tests.support.command import run_program
from tui_charrnn.runs.records import BaselinesMeasured, SplitEvaluated

OPTIONS = argparse.Namespace(
    text="shakespeare.txt", preset="medium", budget=600.0, set=["hidden_size=48"], name="quality"
)


def test_it_trains_as_a_user_would(tmp_path: Path) -> None:
    words = train_command(OPTIONS, tmp_path)
    assert words[2:6] == ["tui_charrnn", "train", "--headless", "shakespeare.txt"]
    assert words[words.index("--train-time") + 1] == "600s"
    assert words[words.index("--evaluation-characters") + 1] == "none"
    assert words[-2:] == ["--hidden-size", "48"]


def test_the_command_line_knows_every_word(tmp_path: Path) -> None:
    ended = run_program(*train_command(OPTIONS, tmp_path)[3:])
    assert b"shakespeare.txt" in ended.stderr  # it gets as far as looking for the text
    assert ended.returncode == 3


def test_the_tables_tell_time_best_and_last() -> None:
    history = RunHistory()
    history.take([
        BaselinesMeasured((0, 5), (4.0, 1.7)),
        SplitEvaluated(10, 2.0, is_best=True, elapsed=100.0),
        SplitEvaluated(20, 1.5, is_best=True, elapsed=200.0),
        SplitEvaluated(30, 1.6, is_best=False, elapsed=300.0),
    ])
    summary = summary_table(history, 150.0)
    figures = [row.split("|")[2].strip() for row in summary.splitlines()[2:]]
    assert figures == ["1.7500", "1.6000", "1.5000", "1.7000"]
    assert [row.count("best so far") for row in curve_table(history).splitlines()[2:]] == [1, 1, 0]


def test_known_marks_stand_beside_our_own() -> None:
    table = marks_table({"carried": 1.45, "64": 1.49, "256": 1.46})
    figures = [row.split("|")[2].strip() for row in table.splitlines()[2:]]
    assert figures == ["1.4500", "1.4900", "1.4600", "1.669", "1.88", "1.4697"]
