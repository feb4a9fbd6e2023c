"""What the records of a run tell a benchmark."""

from pathlib import Path

import pytest

from benchmarks.run_history import RunHistory, read_history
from tests.support.fake_run import fake_run
from tui_charrnn.runs.records import RunResumed, SplitEvaluated


def history(*evaluations: tuple[float, float]) -> RunHistory:
    """A history of evaluations: seconds and loss of each."""
    taken = RunHistory()
    taken.take([
        SplitEvaluated(step, loss, is_best=False, elapsed=seconds)
        for step, (seconds, loss) in enumerate(evaluations, start=1)
    ])
    return taken


def test_between_two_evaluations_the_loss_lies_on_the_line() -> None:
    assert history((10.0, 3.0), (20.0, 2.0)).loss_at(12.5) == pytest.approx(2.75)


def test_at_an_evaluation_the_loss_is_its_own() -> None:
    assert history((10.0, 3.0), (20.0, 2.0), (30.0, 1.0)).loss_at(20.0) == 2.0


@pytest.mark.parametrize("seconds", [9.9, 20.1])
def test_outside_of_the_evaluations_there_is_no_loss(seconds: float) -> None:
    assert history((10.0, 3.0), (20.0, 2.0)).loss_at(seconds) is None


def test_the_best_is_the_lowest_wherever_it_stands() -> None:
    best = history((10.0, 3.0), (20.0, 1.5), (30.0, 2.0)).best
    assert best is not None
    assert best.loss == 1.5


def test_what_a_resume_took_back_is_forgotten() -> None:
    taken = history((10.0, 3.0), (20.0, 2.0), (30.0, 1.0))
    taken.take([RunResumed(step=2)])
    assert [record.step for record in taken.evaluations] == [1, 2]


def test_a_run_is_read_from_its_directory(tmp_path: Path) -> None:
    run = fake_run(tmp_path, losses=[3.0, 2.5, 2.0], evaluations={2: 2.6, 3: 2.2})
    read = read_history(run)
    assert [record.loss for record in read.evaluations] == [2.6, 2.2]
    assert len(read.checkpoints) == 2
    assert read.last_batch is not None
    assert read.last_batch.step == 3
    assert read.baselines is not None
