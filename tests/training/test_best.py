"""best.json names the existing checkpoint of the lowest validation loss."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.small_run import (
    before_batches,
    new_run,
    of_kind,
    pointer_of,
    records_of,
    score,
    status_of,
    train,
)
from tui_charrnn.errors import ExitCode, StorageError
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.runs.checkpoints import best_or_newest, read_manifest, save_checkpoint
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import RunEnded, RunWarned, SplitEvaluated, StoppedEarly
from tui_charrnn.runs.storage import Storage

pytestmark = pytest.mark.tensorflow


def assert_best(run: RunDirectory, step: int, loss: float) -> None:
    """Check that pointer, manifest, model and last record name the same best."""
    assert pointer_of(run.best) == (step, loss)
    best = best_or_newest(run)
    assert best is not None
    manifest = read_manifest(best)
    assert manifest is not None
    assert (manifest.step, manifest.loss) == (step, loss)
    facts = load_model(best.model).training
    assert (facts["best_validation_step"], facts["best_validation_loss"]) == (step, loss)
    ended = records_of(run)[-1]
    assert isinstance(ended, RunEnded)
    assert (ended.best_step, ended.best_loss) == (step, loss)


@pytest.mark.parametrize(
    ("losses", "best_step"),
    [
        ([2.0, 1.5, 1.25, 1.0], 12),
        ([1.0, 1.5, 1.25, 2.0], 3),
        ([2.0, 1.0, 1.5, 1.25], 6),
        ([2.0, 1.0, 1.0, 1.0], 6),
        ([1.5, 2.0, 1.25, 1.25], 9),
        ([1.0, 1.0, 1.0, 1.0], 3),
    ],
    ids=["better", "worse", "worse-and-better", "equal", "better-late", "all-equal"],
)
def test_best_is_the_first_of_the_lowest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, losses: list[float], best_step: int
) -> None:
    score(monkeypatch, losses)
    run = new_run(tmp_path, keep_checkpoints=1)
    assert train(run) is ExitCode.OK
    assert_best(run, best_step, min(losses))
    best_steps = {record.step for record in of_kind(run, SplitEvaluated) if record.is_best}
    assert max(best_steps) == best_step
    assert pointer_of(run.latest) == (12, losses[-1])


def test_a_run_that_stops_early_is_finished_and_its_best_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score(monkeypatch, [2.0, 1.0, 1.5, 0.5])
    run = new_run(tmp_path, stop_early=1)
    assert train(run) is ExitCode.OK
    assert of_kind(run, StoppedEarly) == [StoppedEarly(9, 6, 1.0, 1)]
    status = status_of(run)
    assert (status.state, status.step, status.total_steps) == (RunState.FINISHED, 9, 12)
    assert_best(run, 6, 1.0)
    assert train(run) is ExitCode.OK  # and has nothing left to do
    assert len(of_kind(run, SplitEvaluated)) == 3


def test_a_trainer_that_died_while_it_stopped_early_stops_when_it_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui_charrnn.training.session import TrainingSession

    score(monkeypatch, [2.0, 1.0, 1.5, 0.5])
    run = new_run(tmp_path, stop_early=1)

    def die(_: TrainingSession) -> None:
        raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(TrainingSession, "_report_early_stop", die)
        assert train(run) is ExitCode.UNEXPECTED
    assert train(run) is ExitCode.OK
    assert of_kind(run, StoppedEarly) == [StoppedEarly(9, 6, 1.0, 1)]


def refuse_at(monkeypatch: pytest.MonkeyPatch, is_refused: Callable[[int], bool]) -> None:
    """Make saving fail at some steps."""
    from tui_charrnn.training import saving

    def refuse(*arguments: Any, **options: Any) -> Any:
        if is_refused(options["step"]):
            raise StorageError("The disk is full.")
        return save_checkpoint(*arguments, **options)

    monkeypatch.setattr(saving, "save_checkpoint", refuse)


def test_what_could_not_be_saved_is_not_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score(monkeypatch, [2.0, 1.0, 1.5, 1.75])
    refuse_at(monkeypatch, lambda step: step == 6)
    run = new_run(tmp_path)
    assert train(run) is ExitCode.OK
    assert_best(run, 9, 1.5)
    assert "The last saved step is 3." in of_kind(run, RunWarned)[0].message
    assert status_of(run).message == ""


def test_what_is_saved_at_a_second_try_is_the_best_after_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score(monkeypatch, [2.0, 1.0, 1.5, 1.75])
    run, refusals = new_run(tmp_path), iter([True])

    def refuse_once(step: int) -> bool:
        is_refused = step == 6 and next(refusals, False)
        if is_refused:
            send_request(run, "checkpoint")
        return is_refused

    refuse_at(monkeypatch, refuse_once)
    assert train(run) is ExitCode.OK
    assert_best(run, 6, 1.0)


def test_a_best_that_is_named_before_the_disk_refuses_stays_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score(monkeypatch, [2.0, 1.0, 1.5, 1.75])
    run, write = new_run(tmp_path), Storage.write_atomically

    def refuse_latest(storage: Storage, path: Path, data: bytes, **options: int) -> None:
        if path == run.latest and run.checkpoint(6).path.exists() and not refused:
            refused.append(path)
            raise StorageError("The disk is full.")
        write(storage, path, data, **options)

    refused: list[Path] = []
    monkeypatch.setattr(Storage, "write_atomically", refuse_latest)
    assert train(run) is ExitCode.OK
    assert len(refused) == 1
    assert_best(run, 6, 1.0)


def test_best_counts_over_a_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score(monkeypatch, [2.0, 1.0, 1.5, 1.25])
    run = new_run(tmp_path)

    def stop(step: int) -> None:
        if step == 8:
            send_request(run, "stop")

    before_batches(monkeypatch, stop)
    assert train(run) is ExitCode.OK
    assert status_of(run).step == 8
    assert train(run) is ExitCode.OK
    assert_best(run, 6, 1.0)
