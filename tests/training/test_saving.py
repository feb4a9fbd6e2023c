"""When checkpoints are made."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.small_run import before_batches, new_run, of_kind, pointer_of, score, train
from tui_charrnn.errors import ExitCode
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import CheckpointSaved, RunPlanned

pytestmark = pytest.mark.tensorflow


def saved_steps(
    monkeypatch: pytest.MonkeyPatch, run: RunDirectory, seconds_per_step: float
) -> list[int]:
    """Return the steps at which a run saves if each step takes this long."""
    from tui_charrnn.training import saving

    now = 0.0

    def pass_time(_step: int) -> None:
        nonlocal now
        now += seconds_per_step

    monkeypatch.setattr(saving, "time", SimpleNamespace(monotonic=lambda: now))
    before_batches(monkeypatch, pass_time)
    score(monkeypatch, [1.0, 2.0, 3.0])
    assert train(run) is ExitCode.OK
    return [record.step for record in of_kind(run, CheckpointSaved)]


def short_epochs(folder: Path, **settings: Any) -> RunDirectory:
    """A run with five steps per epoch and by default two evaluations."""
    settings = {"evaluations": 2, **settings}
    return new_run(folder, batch_size=5, sequence_length=61, **settings)


def test_the_epochs_are_as_long_as_these_tests_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = short_epochs(tmp_path, steps=2)
    saved_steps(monkeypatch, run, 1.0)
    assert of_kind(run, RunPlanned)[0].steps_per_epoch == 5


def test_the_interval_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = new_run(tmp_path, steps=16, evaluations=1, checkpoint_interval=10.0)
    assert saved_steps(monkeypatch, run, 2.5) == [4, 8, 12, 16]


def test_the_end_of_an_epoch_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = short_epochs(tmp_path, steps=22, checkpoint_interval=30.0)
    assert saved_steps(monkeypatch, run, 1.0) == [5, 10, 11, 20, 22]


def test_the_end_of_an_epoch_is_not_saved_shortly_after_another_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = short_epochs(tmp_path, steps=36, checkpoint_interval=60.0)
    # 1 s a step: the epochs that end 5 s after a checkpoint are passed over, 10 s are enough
    assert saved_steps(monkeypatch, run, 1.0) == [5, 15, 18, 30, 36]


def test_the_end_of_an_epoch_is_saved_once_it_is_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of an epoch with an evaluation, even if it is not the best."""
    run = short_epochs(tmp_path, steps=15, evaluations=3, checkpoint_interval=6.0)
    assert saved_steps(monkeypatch, run, 1.0) == [5, 10, 15]
    assert pointer_of(run.best) == (5, 1.0)
