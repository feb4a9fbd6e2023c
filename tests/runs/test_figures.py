"""The metrics of a run as a table: one row per step, without undone steps."""

import csv
import tracemalloc
from pathlib import Path

import pytest

from tests.support.fake_run import created_run
from tui_charrnn.errors import ConfigError, RunError
from tui_charrnn.runs.figures import Figures, export_figures, read_figures
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader
from tui_charrnn.runs.records import (
    BatchTrained,
    Record,
    RunResumed,
    RunRolledBack,
    SplitEvaluated,
    encode_record,
)


def run_of(folder: Path, *records: Record) -> RunDirectory:
    run = created_run(folder)
    text = "".join(f"{encode_record(record)}\n" for record in records)
    run.events.write_text(text, encoding="utf-8")
    return run


def batch(step: int, loss: float) -> BatchTrained:
    return BatchTrained(step, loss, 0.1, 1.5, step / 2)


def test_a_step_has_one_row(tmp_path: Path) -> None:
    run = run_of(tmp_path, batch(1, 4.0), SplitEvaluated(1, 4.5, True, 0.6), batch(2, 3.0))
    target = tmp_path / "figures.csv"
    assert export_figures(run, target) == 2
    with target.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {
        "step": "1",
        "elapsed": "0.5",
        "train_loss": "4.0",
        "validation_loss": "4.5",
        "learning_rate": "0.1",
        "gradient_norm": "1.5",
    }
    assert (rows[1]["step"], rows[1]["validation_loss"]) == ("2", "")
    with pytest.raises(ConfigError, match=r"figures\.csv"):
        export_figures(run, target)


@pytest.mark.parametrize(
    "cut", [RunResumed(1), RunRolledBack(3, 1, "loss", "nan", 0.05, 1)], ids=["resume", "rollback"]
)
def test_what_was_taken_back_is_left_out(tmp_path: Path, cut: Record) -> None:
    run = run_of(tmp_path, batch(1, 4.0), batch(2, 9.0), batch(3, 9.0), cut, batch(2, 3.0))
    assert [(row.step, row.train_loss) for row in read_figures(run)] == [(1, 4.0), (2, 3.0)]


def test_a_return_whose_record_was_lost_is_seen_in_its_batches(tmp_path: Path) -> None:
    lost = batch(1, 4.0), batch(2, 9.0), batch(3, 9.0), SplitEvaluated(3, 9.5, True, 0.6)
    run = run_of(tmp_path, *lost, batch(2, 3.0), batch(3, 2.0))
    rows = [(row.step, row.train_loss, row.validation_loss) for row in read_figures(run)]
    assert rows == [(1, 4.0, None), (2, 3.0, None), (3, 2.0, None)]


def test_a_later_cut_takes_back_what_an_earlier_one_kept(tmp_path: Path) -> None:
    cuts = RunResumed(2), RunResumed(1)
    first = batch(1, 4.0), SplitEvaluated(1, 4.5, True, 0.6), batch(2, 9.0), batch(3, 9.0)
    run = run_of(tmp_path, *first, cuts[0], batch(3, 9.0), cuts[1], batch(2, 3.0))
    rows = [(row.step, row.train_loss, row.validation_loss) for row in read_figures(run)]
    assert rows == [(1, 4.0, 4.5), (2, 3.0, None)]


def test_memory_does_not_grow_with_the_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RunReader.read_new_stretches, "__defaults__", (1 << 16,))  # bytes at once

    def peak(steps: int) -> int:
        run = run_of(tmp_path / str(steps), *(batch(step, 4.0) for step in range(1, steps + 1)))
        tracemalloc.start()
        try:
            export_figures(run, tmp_path / f"{steps}.csv")
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(9_000) < peak(3_000) + 500_000


def test_megabytes_that_only_a_later_version_knows_are_passed_over(tmp_path: Path) -> None:
    run = run_of(tmp_path, batch(1, 4.0))
    line = '{"kind":"of a later version","text":"' + "x" * 1_000 + '"}\n'
    with run.events.open("a", encoding="utf-8") as events:
        events.write(line * 2_500 + f"{encode_record(batch(2, 3.0))}\n")
    assert [row.step for row in read_figures(run)] == [1, 2]


def test_a_run_without_steps_has_no_figures(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no step"):
        export_figures(run_of(tmp_path), tmp_path / "x.csv")
    with pytest.raises(RunError, match="no step"):
        next(read_figures(run_of(tmp_path / "other")))
    assert Figures(0).train_loss is None
