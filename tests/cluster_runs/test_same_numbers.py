"""Two processes train what one trains, whatever is asked of them, and go on with its runs."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from tests.support.cluster_run import ClusterRun
from tests.support.fake_run import created_run
from tests.support.lone_run import losses_of, train_alone, untrained_twin
from tests.support.small_run import of_kind, status_of
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.runs.checkpoints import newest_valid
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import RequestAnswered, RunPreempted, RunResumed, RunWarned
from tui_charrnn.training.state_file import load_training_state

pytestmark = pytest.mark.tensorflow

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
    return load_training_state(newest.training).progress.step


def test_two_processes_train_what_one_trains_and_one_goes_on(
    cluster: ClusterRun, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.start([corpus, corpus])
    cluster.wait_for_step(40)
    run = cluster.run
    for request in ("checkpoint", "pause"):
        send_request(run, request)
    cluster.wait_for("the run is paused", lambda: status_of(run).state is RunState.PAUSED)
    paused = max(losses_of(run))
    assert 40 <= saved_step(run) <= paused
    send_request(run, "resume")
    cluster.wait_for_step(max(120, paused + 20))
    send_request(run, "pause")
    cluster.wait_for("the run is paused", lambda: status_of(run).state is RunState.PAUSED)
    cluster.programs[1].send_signal(signal.SIGTERM)  # to the one that does not write
    ended = cluster.end()
    assert [each.returncode for each in ended] == [75, 75], ended
    assert all(each.accepted for each in of_kind(run, RequestAnswered))
    together = max(losses_of(run))
    assert (saved_step(run), status_of(run).state) == (together, RunState.SAVED)
    assert [each.cause for each in of_kind(run, RunPreempted)] == ["SIGTERM"]
    assert list((tmp_path / "place-1").iterdir()) == []  # the other's folder is gone

    train_alone(run, together + 50, monkeypatch)
    assert of_kind(run, RunResumed) == [RunResumed(together)]
    assert "replicas 2 then, 1 now" in of_kind(run, RunWarned)[-1].message
    twin = untrained_twin(run, tmp_path / "alone")
    train_alone(twin, together + 50, monkeypatch)
    assert_same_losses(run, twin, together + 50)


def test_two_go_on_with_what_one_began_and_the_survivor_says_who_hangs(
    cluster: ClusterRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = created_run(
        tmp_path / "runs",
        name=cluster.name,
        model=ModelConfig(embedding_size=3, hidden_size=8, layer_count=2),
        training=TrainingConfig(
            batch_size=4, sequence_length=8, steps=200_000, precision="float32", threads=1
        ),
    )
    twin = untrained_twin(run, tmp_path / "alone")
    train_alone(run, 40, monkeypatch)
    cluster.start([tmp_path / "runs" / ".corpora" / "fake.txt"] * 2)
    cluster.wait_for_step(140)
    hanging = cluster.trainer_of(1)
    os.kill(hanging, signal.SIGSTOP)
    chief = cluster.end_of(0)
    os.kill(hanging, signal.SIGCONT)  # it hears that it was given up, and leaves as well
    other = cluster.end_of(1)
    assert (chief.returncode, other.returncode) == (75, 75), (chief, other)
    for told in (chief.stderr.decode(), other.stderr.decode()):
        assert "Rank 1 (127.0.0.1:" in told
        assert "has not been heard of for 10 seconds" in told
    assert "Rank 1" in of_kind(run, RunWarned)[-1].message
    assert status_of(run).state is RunState.SAVED
    until = saved_step(run) + 20
    train_alone(run, until, monkeypatch)
    train_alone(twin, until, monkeypatch)
    assert_same_losses(run, twin, until)
