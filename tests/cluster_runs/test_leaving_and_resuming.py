"""Processes that train together are told to leave, leave at one step, and go on in any number."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from tests.support.cluster_run import ClusterRun, free_addresses
from tests.support.lone_run import losses_of, train_alone, untrained_twin
from tests.support.small_run import of_kind, status_of
from tui_charrnn.runs.checkpoints import newest_valid
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import (
    LearningRateChanged,
    RequestAnswered,
    RunPreempted,
    RunResumed,
    RunRolledBack,
    RunWarned,
)
from tui_charrnn.training.state_file import load_training_state

pytestmark = [pytest.mark.tensorflow, pytest.mark.stress]

ROUNDING = 1e-4
"""Relative, after hundreds of steps in float32."""


def assert_same_losses(run: RunDirectory, twin: RunDirectory, until: int) -> None:
    losses, expected = losses_of(run), losses_of(twin)
    steps = range(1, until + 1)
    ours = [losses[step] for step in steps]
    np.testing.assert_allclose(ours, [expected[step] for step in steps], rtol=ROUNDING)


def saved_step(run: RunDirectory) -> int:
    newest = newest_valid(run)
    assert newest is not None
    return load_training_state(newest).progress.step


def is_paused(cluster: ClusterRun) -> bool:
    return status_of(cluster.run).state is RunState.PAUSED


@pytest.mark.parametrize("size", [2, 3, 4])
def test_what_several_train_is_what_one_trains(
    cluster: ClusterRun, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Requests are answered between, and one goes on with the checkpoint of all."""
    cluster.start([corpus] * size)
    cluster.wait_for_step(40)
    run = cluster.run
    for request in ("checkpoint", "pause"):
        send_request(run, request)
    cluster.wait_for("the run is paused", lambda: is_paused(cluster))
    paused = max(losses_of(run))
    assert 40 <= saved_step(run) <= paused
    send_request(run, "resume")
    cluster.wait_for_step(paused + 20)
    send_request(run, "pause")
    cluster.wait_for("the run is paused", lambda: is_paused(cluster))
    cluster.programs[-1].send_signal(signal.SIGTERM)  # to one that does not write
    assert cluster.codes() == [75] * size
    assert all(each.accepted for each in of_kind(run, RequestAnswered))
    together = max(losses_of(run))
    assert (saved_step(run), status_of(run).state) == (together, RunState.SAVED)
    assert [each.cause for each in of_kind(run, RunPreempted)] == ["SIGTERM"]

    train_alone(run, together + 50, monkeypatch)
    assert of_kind(run, RunResumed) == [RunResumed(together)]
    assert f"replicas {size} then, 1 now" in of_kind(run, RunWarned)[-1].message
    twin = untrained_twin(run, tmp_path / "alone")
    train_alone(twin, together + 50, monkeypatch)
    assert_same_losses(run, twin, together + 50)


@pytest.mark.parametrize(("size", "told"), [(2, 0), (2, 1), (3, 0), (3, 2)])
def test_a_signal_to_any_trainer_saves_all_at_one_step(
    cluster: ClusterRun, corpus: Path, size: int, told: int
) -> None:
    addresses = free_addresses(size)
    cluster.start([corpus] * size, cluster=addresses)
    cluster.wait_for_step(60)
    for place, address in enumerate(addresses.split(",")):  # at which nothing else listens
        assert cluster.ports_of(place) == {int(address.rpartition(":")[2])}
    os.kill(cluster.trainer_of(told), signal.SIGTERM)
    assert cluster.codes() == [75] * size
    run = cluster.run
    assert (saved_step(run), status_of(run).state) == (max(losses_of(run)), RunState.SAVED)
    assert [each.cause for each in of_kind(run, RunPreempted)] == ["SIGTERM"]


def test_a_run_goes_on_in_any_number_of_processes(
    cluster: ClusterRun, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for size in (3, 2, 4, 3):
        begun = max(cluster.steps(), default=0)
        cluster.start([corpus] * size)
        cluster.wait_for_step(begun + 30)
        cluster.programs[size - 1].send_signal(signal.SIGUSR1)
        assert cluster.codes() == [75] * size
    until = max(cluster.steps()) + 20
    train_alone(cluster.run, until, monkeypatch)
    twin = untrained_twin(cluster.run, tmp_path / "alone")
    train_alone(twin, until, monkeypatch)
    assert_same_losses(cluster.run, twin, until)


def test_a_learning_rate_changes_at_one_step(
    cluster: ClusterRun, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps of another rate on one of them would part the weights: a checkpoint compares them."""
    cluster.start([corpus] * 3)
    cluster.wait_for_step(30)
    send_request(cluster.run, "learning_rate", value=0.002)
    changes: list[LearningRateChanged] = []

    def has_changed() -> bool:
        changes[:] = of_kind(cluster.run, LearningRateChanged)
        return bool(changes)

    cluster.wait_for("the rate is changed", has_changed)
    cluster.wait_for_step(changes[0].step + 20)
    send_request(cluster.run, "stop")
    assert cluster.codes() == [0, 0, 0]
    assert (changes[0].learning_rate, saved_step(cluster.run)) == (0.002, max(cluster.steps()))


def test_a_finished_run_ends_all_at_once(cluster: ClusterRun, corpus: Path) -> None:
    for _ in range(2):
        cluster.start([corpus] * 2, "--steps=9")
        assert cluster.codes() == [0, 0]
    assert max(cluster.steps()) == 9


def test_a_run_that_diverges_goes_back_everywhere(cluster: ClusterRun, corpus: Path) -> None:
    """A decay that multiplies the weights at every step, until half the rate is low enough."""
    settings = "--learning-rate=10", "--weight-decay=1", "--warmup-fraction=0"
    cluster.start([corpus] * 3, *settings)
    cluster.wait_for("it went back three times", lambda: len(rolled_back(cluster)) == 3)
    cluster.wait_for_step(100)
    cluster.programs[1].send_signal(signal.SIGUSR1)
    assert [each.returncode for each in cluster.end()] == [75, 75, 75]
    assert status_of(cluster.run).state is RunState.SAVED


def rolled_back(cluster: ClusterRun) -> list[RunRolledBack]:
    return of_kind(cluster.run, RunRolledBack) if cluster.run.events.exists() else []
