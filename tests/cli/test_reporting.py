"""Reports on a run on the command line."""

import io
import shlex
import tracemalloc
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.fake_run import created_run, fake_run
from tui_charrnn.cli import launching, reporting
from tui_charrnn.cli.launching import suggested_seed_text
from tui_charrnn.cli.reporting import BarReporter, LineReporter, Reporter
from tui_charrnn.config import TrainingConfig
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader, read_description
from tui_charrnn.runs.records import (
    BatchSizeChosen,
    BatchTrained,
    LearningRateChanged,
    Record,
    RequestAnswered,
    RunEnded,
    RunPlanned,
    RunRolledBack,
    SplitEvaluated,
    StoppedEarly,
    encode_record,
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
    printed = [line for line in capsys.readouterr().err.splitlines() if "learning rate" in line]
    assert printed == [
        "Peak learning rate 0.003 from step 41 on.",
        "The loss became nan at step 45. Back to step 40, peak learning rate 0.0015 (rollback 1).",
    ]


def lines_of(view: RunView, record: Record, capsys: pytest.CaptureFixture[str]) -> str:
    LineReporter(view).show([record], None)
    return capsys.readouterr().err.strip()


def test_the_plan_names_the_bound_in_effect(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    training = TrainingConfig(train_time=600.0, max_epochs=16.0, least_steps=2_000)
    run = created_run(tmp_path, training=training)
    view = RunView(run, description=read_description(run))
    by_epochs = RunPlanned(1_600, 100, 50, 32, 0.05, bound="max_epochs")
    assert lines_of(view, by_epochs, capsys) == (
        "Planned: 1,600 steps, 16.0 epochs, about 1m20s at 0.050 s a step. It ends at 16 epochs, "
        "before its 10m: more passes would overfit."
    )
    at_least = RunPlanned(2_000, 100, 50, 32, 0.05, bound="max_epochs")
    assert lines_of(view, at_least, capsys).endswith(
        "It ends there, before its 10m: the preset's limit of 16 epochs is below its "
        "minimum of 2,000 steps."
    )
    by_time = RunPlanned(1_200, 100, 50, 32, 0.5, bound="train_time")
    assert lines_of(view, by_time, capsys) == (
        "Planned: 1,200 steps, 12.0 epochs, about 10m00s at 0.500 s a step."
    )


def test_what_a_loading_trainer_waits_for_is_printed_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reporter = LineReporter(RunView(RunDirectory(tmp_path)))
    for state in (RunState.LOADING, RunState.PREPARING, RunState.LOADING):
        message = "Waiting ..." if state is RunState.LOADING else ""
        reporter.show([], RunStatus(state=state, message=message))
    assert capsys.readouterr().err == "Waiting ...\n"


def test_what_was_chosen_by_timing_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    view = RunView(RunDirectory(tmp_path))
    chosen = BatchSizeChosen(64, 0.00707, (32, 64), (50_000.0, 70_000.0), "not enough memory")
    assert lines_of(view, chosen, capsys) == (
        "Batch size 64, learning rate 0.00707 (characters a second: 32 had 50,000, 64 had 70,000; "
        "a larger one failed: not enough memory)."
    )


def test_an_early_stop_names_the_best(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    view = RunView(RunDirectory(tmp_path))
    assert lines_of(view, StoppedEarly(900, 600, 1.5, 3), capsys) == (
        "Stopped early: no lower loss in 3 validations. Best at step 600, with 1.5000: its "
        "weights are used."
    )


def test_json_prints_them_as_they_are_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reporter = reporting.JsonReporter(RunView(RunDirectory(tmp_path)))
    reporter.show([RunRolledBack(45, 40, "loss", "nan", 0.0015, 1)], None)
    assert capsys.readouterr().out == (
        '{"kind":"rolled_back","step":45,"to_step":40,"quantity":"loss","value":"nan",'
        '"learning_rate":0.0015,"attempt":1}\n'
    )


def test_the_progress_of_a_bar_reaches_the_terminal_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm-256color")
    reporter = BarReporter(RunView(RunDirectory(tmp_path / "mine")))
    reporter.show([], RunStatus(state=RunState.TRAINING, step=30, total_steps=100))
    reporter.close()
    assert "\x1b]0;30 % mine · charrnn-tui\x1b\\\x1b]9;4;1;30\x1b\\" in screen.getvalue()


def test_the_last_evaluation_is_printed_before_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reporter = LineReporter(RunView(RunDirectory(tmp_path)))
    evaluated = SplitEvaluated(30, 2.5, is_best=True, elapsed=1.0)
    reporter.show([evaluated, RunEnded("finished", 30, 2.5, 30, 0, 1.0)], None)
    numbers, end = capsys.readouterr().err.splitlines()
    assert "validation_loss=2.5000" in numbers
    assert end.endswith("finished at step 30.")


def test_the_epoch_of_a_line_is_that_of_its_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reporter = LineReporter(RunView(RunDirectory(tmp_path)))
    planned = RunPlanned(1000, 400, 50, 64, None)
    stale = RunStatus(state=RunState.TRAINING, total_steps=1000)
    reporter.show([planned, BatchTrained(2, 2.5, 0.001, 1.0, 0.1)], stale)
    assert " epoch=0.005 " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("vocabulary", "seeds", "start"),
    [
        (" Tehabc", (), "'The '"),
        ("가나다", (), ""),
        ("가나다 Theabc", ("가나 다가 나다 가",), "'가나 다가 나다'"),
        ("First Cizen:\n", ("First Citizen:\nBefore we",), "'First Citizen: Before'"),
    ],
)
def test_a_start_that_the_model_can_go_on_with_is_proposed(
    vocabulary: str, seeds: tuple[str, ...], start: str, tmp_path: Path
) -> None:
    made = read_description(fake_run(tmp_path))
    description = replace(made, vocabulary=vocabulary, pinned_seeds=seeds)
    view = RunView(RunDirectory(tmp_path), description=description)
    assert shlex.join(suggested_seed_text(view)) == start


def test_a_model_of_both_directions_is_to_fill_gaps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = read_description(fake_run(tmp_path))
    description = replace(made, model=replace(made.model, direction="both"))
    view = RunView(RunDirectory(tmp_path / "fake"), description=description)
    launching._print_next_command(view, 0, is_joint=False)
    words = shlex.split(capsys.readouterr().err.partition(": ")[2])
    assert words[-4:-1] == ["fill", "the k▢ng", "--bidirectional"]


def test_a_long_history_is_not_kept_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RunReader.read_new_stretches, "__defaults__", (1 << 16,))  # bytes at once
    run = created_run(tmp_path)

    def peak(steps: int) -> int:
        records = (BatchTrained(step, 4.0, 0.1, 1.5, step / 2) for step in range(1, steps + 1))
        lines = "".join(f"{encode_record(record)}\n" for record in records)
        run.events.write_text(lines, encoding="utf-8")
        reporter = Reporter(RunView(run))
        tracemalloc.start()
        try:
            deque(reporter.read_new(), maxlen=0)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(9_000) < peak(3_000) + 500_000
