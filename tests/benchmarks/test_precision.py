"""The command that the precisions are compared with, and its table."""

import argparse
from pathlib import Path

import pytest

from benchmarks.precision import (
    LAST_BATCHES,
    FinalLosses,
    Pair,
    final_losses,
    pairs_table,
    train_command,
    verdict,
)
from tests.support.command import run_program
from tui_charrnn.errors import RunError
from tui_charrnn.runs.records import BatchTrained, Record, RunPlanned, SplitEvaluated

OPTIONS = argparse.Namespace(text="shakespeare.txt", preset="small", steps=7, set=["dropout=0.3"])
PLANNED = RunPlanned(25, 100, 25, 32, None, "bfloat16")


def pair(wide: float, narrow: float) -> Pair:
    return Pair(4, FinalLosses(2.0, wide, 10.0), FinalLosses(2.25, narrow, 5.0))


def test_the_command_line_knows_every_word(tmp_path: Path) -> None:
    words = [*train_command(OPTIONS, tmp_path, "one")[3:], "--rng-seed=1", "--precision=bfloat16"]
    assert words[words.index("--dropout") + 1] == "0.3"
    ended = run_program(*words)
    assert b"shakespeare.txt" in ended.stderr  # it gets as far as looking for the text
    assert ended.returncode == 3


def test_a_run_ends_with_its_last_batches_and_its_last_score() -> None:
    batches = [BatchTrained(step, 9.0 if step < 5 else 2.0, 0.1, 1.0, 0.1) for step in range(25)]
    scores = [SplitEvaluated(step, step / 10, True, float(step)) for step in (10, 24)]
    records: list[Record] = [PLANNED, *batches, *scores]
    assert LAST_BATCHES == 20
    assert final_losses(records, "bfloat16") == FinalLosses(2.0, 2.4, 24.0)
    with pytest.raises(RunError, match="was to be trained in float32"):
        final_losses(records, "float32")


@pytest.mark.parametrize(
    "records", [[], [SplitEvaluated(1, 2.0, True, 1.0)], [BatchTrained(1, 2.0, 0.1, 1.0, 1.0)]]
)
def test_a_run_without_an_end_is_refused(records: list[Record]) -> None:
    with pytest.raises(RunError, match="without a batch or without an evaluation"):
        final_losses([PLANNED, *records], "bfloat16")


def test_the_table_tells_both_differences() -> None:
    cells = [cell.strip() for cell in pairs_table([pair(1.5, 1.504)]).splitlines()[2].split("|")]
    assert cells[1:-1] == ["4", "1.5000", "1.5040", "+0.0040", "+0.2500", "10.0", "5.0"]


@pytest.mark.parametrize(
    ("narrow", "said"), [(1.504, "0.0040"), (1.492, "0.0080"), (1.52, "0.0200"), (1.48, "0.0200")]
)
def test_the_largest_difference_counts_whichever_way(narrow: float, said: str) -> None:
    told = verdict([pair(1.5, 1.501), pair(1.5, narrow)])
    assert told.startswith(f"Largest difference {said} ")
    assert ("met" if float(said) < 0.01 else "missed") in told
