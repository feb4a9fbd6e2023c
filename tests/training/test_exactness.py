"""After kill -9 at any moment, a resumed run is bit-identical to an uninterrupted one."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from tests.support.exact_trainer import KILLED, NETWORKS, TRAINING, Kill, Scenario, train_in_process
from tests.support.fake_run import created_run
from tests.support.small_run import of_kind
from tui_charrnn.runs.checkpoints import newest_valid
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import (
    BatchTrained,
    LearningRateChanged,
    RunEnded,
    RunResumed,
    RunRolledBack,
    RunWarned,
    SplitEvaluated,
)
from tui_charrnn.training.creation import extend_run

pytestmark = pytest.mark.trainer
THOROUGH = pytest.mark.stress
"""What costs a process of TensorFlow for every kill; `test_worker.py` resumes every network in one
process, and `tests/faults/test_crash.py` dies at every operation on the disk, with another engine.
"""

RATE = TRAINING.learning_rate
UNDISTURBED = Scenario()


def new_run(folder: Path, cell: str = "lstm") -> RunDirectory:
    model, training = NETWORKS[cell]
    return created_run(folder, name="run", model=model, training=training)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., RunDirectory]:
    """Uninterrupted runs; each is trained once."""
    trained: dict[tuple[str, Scenario], RunDirectory] = {}

    def train(cell: str = "lstm", scenario: Scenario = UNDISTURBED) -> RunDirectory:
        if (cell, scenario) not in trained:
            run = new_run(tmp_path_factory.mktemp("whole"), cell)
            assert train_in_process(run, scenario) == 0
            trained[cell, scenario] = run
        return trained[cell, scenario]

    return train


def killed_and_resumed(run: RunDirectory, scenario: Scenario, *kills: Kill) -> None:
    for kill in kills:
        assert train_in_process(run, replace(scenario, kill=kill)) == KILLED, kill
        assert not of_kind(run, RunEnded)
    assert train_in_process(run, scenario) == 0
    assert len(of_kind(run, RunResumed)) == len(kills)


def bits_of(path: Path) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    tensors = safetensors.numpy.load_file(path)
    return {name: (str(each.dtype), each.shape, each.tobytes()) for name, each in tensors.items()}


def assert_same_to_the_bit(run: RunDirectory, other: RunDirectory) -> None:
    """Check that model, training state and all records that led to them are equal."""
    ours, theirs = newest_valid(run), newest_valid(other)
    assert ours is not None
    assert theirs is not None
    assert ours.path.name == theirs.path.name == "step-00000012"
    assert bits_of(ours.model) == bits_of(theirs.model)
    assert bits_of(ours.training) == bits_of(theirs.training)
    assert measured(run) == measured(other)


def measured(run: RunDirectory) -> object:
    """Return losses, norms and learning rates by step, without undone steps, and the best."""
    batches = {
        each.step: (each.loss, each.gradient_norm, each.learning_rate)
        for each in of_kind(run, BatchTrained)
    }
    scores = {each.step: each.loss for each in of_kind(run, SplitEvaluated)}
    (ended,) = of_kind(run, RunEnded)
    return batches, scores, (ended.best_step, ended.best_loss)


def test_a_kill_leaves_no_trace(tmp_path: Path, whole: Callable[..., RunDirectory]) -> None:
    run = new_run(tmp_path)
    killed_and_resumed(run, UNDISTURBED, Kill("batch", 8))
    assert_same_to_the_bit(run, whole())


@THOROUGH
@pytest.mark.parametrize(
    "kills",
    [
        (Kill("batch", 1), Kill("checkpointed", 3), Kill("batch", 8), Kill("batch", 12)),
        (Kill("paused", 5), Kill("paused", 9)),
        (
            Kill("evaluating", 6),
            Kill("writing", 6),
            Kill("renaming", 6),
            Kill("naming_best", 6),
            Kill("naming_latest", 6),
        ),
    ],
    ids=["while-it-trains", "while-it-is-paused", "while-it-scores-and-saves"],
)
def test_kills_leave_no_trace(
    tmp_path: Path, whole: Callable[..., RunDirectory], kills: tuple[Kill, ...]
) -> None:
    """Before the first checkpoint, right after one, within an epoch, before the last evaluation."""
    run = new_run(tmp_path)
    killed_and_resumed(run, UNDISTURBED, *kills)
    assert_same_to_the_bit(run, whole())


@THOROUGH
@pytest.mark.parametrize("cell", ["normalized", "gru", "rnn"])
def test_nor_does_one_whatever_is_trained(
    tmp_path: Path, whole: Callable[..., RunDirectory], cell: str
) -> None:
    run = new_run(tmp_path, cell)
    killed_and_resumed(run, UNDISTURBED, Kill("batch", 8))
    assert_same_to_the_bit(run, whole(cell))


@THOROUGH
def test_nor_does_one_between_the_records_of_a_call(
    tmp_path: Path, whole: Callable[..., RunDirectory]
) -> None:
    """Calls end at 1, 3, 6, 9 and 12; records of unsaved steps are discarded."""
    in_calls, run = Scenario(steps_per_call=4), new_run(tmp_path)
    killed_and_resumed(run, in_calls, Kill("batch", 2), Kill("batch", 5), Kill("paused", 9))
    assert_same_to_the_bit(run, whole(scenario=in_calls))
    singly = whole(scenario=Scenario(steps_per_call=1))
    assert measured(run) != measured(singly)  # other layers, in one shard


@THOROUGH
def test_a_change_takes_effect_at_the_same_step_again(
    tmp_path: Path, whole: Callable[..., RunDirectory]
) -> None:
    asked, run = Scenario(request=(5, 10 * RATE)), new_run(tmp_path)
    killed_and_resumed(run, asked, Kill("learning_rate_changed", 6), Kill("batch", 7))
    assert of_kind(run, LearningRateChanged) == [LearningRateChanged(6, 10 * RATE, "request")]
    assert_same_to_the_bit(run, whole(scenario=asked))
    assert measured(run) != measured(whole())


@THOROUGH
@pytest.mark.parametrize(
    ("step", "to_step", "then"),
    [(8, 6, Kill("batch", 7)), (3, 0, Kill("batch", 1))],
    ids=["to-a-checkpoint", "to-the-beginning"],
)
def test_a_rollback_is_not_forgotten(
    tmp_path: Path, whole: Callable[..., RunDirectory], step: int, to_step: int, then: Kill
) -> None:
    """Killed before the change of the rate is recorded, and before the next checkpoint."""
    diverging, run = Scenario(diverges_at=step), new_run(tmp_path)
    killed_and_resumed(run, diverging, Kill("rolled_back", step), then)
    for each in (run, whole(scenario=diverging)):
        assert of_kind(each, RunRolledBack) == [
            RunRolledBack(step, to_step, "loss", "nan", RATE / 2, 1)
        ]
    assert_same_to_the_bit(run, whole(scenario=diverging))


def test_other_threads_are_reported_once_and_training_continues(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    change_setting(run, "threads", 1)
    assert train_in_process(run, Scenario(kill=Kill("batch", 5))) == KILLED
    change_setting(run, "threads", 2)
    assert train_in_process(run, UNDISTURBED) == 0
    (warned,) = of_kind(run, RunWarned)
    assert "not bit-identical" in warned.message
    assert "threads 1 then, 2 now" in warned.message


def change_setting(run: RunDirectory, name: str, value: object) -> None:
    document = json.loads(run.description.read_text(encoding="utf-8"))
    document["training"][name] = value
    run.description.write_text(json.dumps(document), encoding="utf-8")


@THOROUGH
def test_the_bits_of_two_trainings_differ_where_anything_does(
    whole: Callable[..., RunDirectory],
) -> None:
    """The compared results are not empty, and differ between different runs."""
    found = newest_valid(whole())
    changed = newest_valid(whole(scenario=Scenario(request=(5, 10 * RATE))))
    assert found is not None
    assert changed is not None
    ours, theirs = bits_of(found.training), bits_of(changed.training)
    assert ours.keys() == theirs.keys()
    assert {name.partition(".")[0] for name in ours} >= {"optimizer", "state"}
    assert all(ours[name] != theirs[name] for name in ours if np.prod(ours[name][1]) > 1)


@THOROUGH
def test_kills_within_an_extension_leave_no_trace(
    tmp_path: Path, whole: Callable[..., RunDirectory]
) -> None:
    ours, theirs = (RunDirectory(tmp_path / name / "run") for name in ("ours", "theirs"))
    shutil.copytree(whole().path, ours.path)
    extend_run(ours, "steps", 8)
    shutil.copytree(ours.path, theirs.path)
    assert train_in_process(theirs, UNDISTURBED) == 0
    for kill in (Kill("batch", 13), Kill("batch", 17), Kill("batch", 20)):
        assert train_in_process(ours, replace(UNDISTURBED, kill=kill)) == KILLED, kill
    assert train_in_process(ours, UNDISTURBED) == 0
    ended, expected = newest_valid(ours), newest_valid(theirs)
    assert ended is not None
    assert expected is not None
    assert ended.path.name == expected.path.name == "step-00000020"
    assert bits_of(ended.model) == bits_of(expected.model)
    assert bits_of(ended.training) == bits_of(expected.training)
