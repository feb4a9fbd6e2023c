"""Two processes that take several steps in one call, as on GPUs, train what one trains."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.cluster_run import free_addresses
from tests.support.command import PATIENCE, ROOT, wait_for
from tests.support.fake_run import created_run
from tests.support.lone_run import losses_of, train_alone, untrained_twin
from tests.support.small_run import of_kind, status_of
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import RunRolledBack
from tui_charrnn.training.distributed.placement import Cluster, JointTask

pytestmark = [pytest.mark.trainer, pytest.mark.stress]

STEPS_PER_CALL = 3
TRAINING = TrainingConfig(
    batch_size=4,
    sequence_length=8,
    steps=200_000,
    evaluations=10_000,  # one after each 20 steps, which cuts calls short
    dropout=0.0,
    precision="float32",
    threads=1,
)


class Trainers:
    """Two trainers of one run, without their commands."""

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start both."""
        addresses = tuple(free_addresses(2).split(","))
        (corpus,) = (self.run.path.parent / ".corpora").iterdir()
        for rank in (0, 1):
            task = JointTask(
                cluster=Cluster(rank, 2, addresses),
                meet_within=PATIENCE,
                corpus={"arguments": [str(corpus)], "reading": {}},
                threads=1,
                batch_size=TRAINING.batch_size,
            )
            run = [str(self.run.path)] if rank == 0 else []
            self.processes.append(
                subprocess.Popen(
                    [
                        *(sys.executable, "-m", "tests.support.stride_trainer"),
                        *(str(STEPS_PER_CALL), *run, "--joint", task.to_json()),
                    ],
                    cwd=ROOT,
                    env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
                    stderr=subprocess.PIPE,
                )
            )

    def wait_for_step(self, step: int) -> None:
        """Wait until a step is trained."""

        def is_there() -> bool:
            ended = [each for each in self.processes if each.poll() is not None]
            assert not ended, ended[0].communicate()[1].decode()
            return max(losses_of(self.run), default=0) >= step

        wait_for(f"step {step} is trained", is_there)

    def codes(self) -> list[int]:
        """Wait until both have ended; their exit codes."""
        for each in self.processes:
            each.communicate(timeout=PATIENCE)
        codes = [each.returncode for each in self.processes]
        self.processes = []
        return codes

    def kill_all(self) -> None:
        """Leave no process behind."""
        for each in self.processes:
            each.kill()
            each.communicate()


@pytest.fixture
def trainers(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Trainers]:
    """Of a run that nobody has trained; they are gone after the test."""
    model = ModelConfig(embedding_size=4, hidden_size=8)
    training = replace(TRAINING, **getattr(request, "param", {}))
    made = Trainers(created_run(tmp_path, name="joint", model=model, training=training))
    try:
        yield made
    finally:
        made.kill_all()


@pytest.mark.parametrize("lost", [0, 1])
def test_one_that_is_killed_ends_the_other(trainers: Trainers, lost: int) -> None:
    trainers.start()
    trainers.wait_for_step(50)
    trainers.processes[lost].kill()
    assert trainers.codes()[1 - lost] == 75


@pytest.mark.parametrize("lost", [0, 1])
def test_one_that_hangs_ends_the_other(trainers: Trainers, lost: int) -> None:
    trainers.start()
    trainers.wait_for_step(50)
    hung, other = trainers.processes[lost], trainers.processes[1 - lost]
    hung.send_signal(signal.SIGSTOP)
    other.communicate(timeout=PATIENCE)
    assert other.returncode == 75
    hung.kill()  # which the command does that started it


@pytest.mark.parametrize(
    "trainers",
    [{"learning_rate": 10.0, "weight_decay": 1.0, "warmup_fraction": 0.0}],
    indirect=True,
)
def test_a_run_that_diverges_goes_back_everywhere(trainers: Trainers) -> None:
    """A decay that multiplies the weights at every step, until half the rate is low enough."""
    trainers.start()

    def has_gone_back() -> bool:
        return len(of_kind(trainers.run, RunRolledBack)) == 3

    wait_for("it went back three times", has_gone_back, PATIENCE)
    trainers.wait_for_step(100)
    trainers.processes[1].send_signal(signal.SIGUSR1)
    assert trainers.codes() == [75, 75]
    assert status_of(trainers.run).state is RunState.SAVED


def test_two_processes_leave_together_and_train_what_one_trains(
    trainers: Trainers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainers.start()
    trainers.wait_for_step(50)
    trainers.processes[1].send_signal(signal.SIGUSR1)  # rank 0 has to hear of it
    assert trainers.codes() == [75, 75]
    assert status_of(trainers.run).state is RunState.SAVED
    left_at = max(losses_of(trainers.run))
    trainers.start()
    trainers.wait_for_step(left_at + 50)
    send_request(trainers.run, "stop")
    assert trainers.codes() == [0, 0]
    losses = losses_of(trainers.run)
    twin = untrained_twin(trainers.run, tmp_path / "alone")
    train_alone(twin, left_at + 50, monkeypatch)
    expected = losses_of(twin)
    both = sorted(losses.keys() & expected.keys())
    assert both[0] == 1
    assert both[-1] >= left_at + 49
    np.testing.assert_allclose(
        [losses[step] for step in both], [expected[step] for step in both], atol=1e-4
    )
