"""What the chief decides holds for all: requests, signals while nothing is trained, going back."""

import signal
from pathlib import Path

import pytest

from tests.support.cluster_run import ClusterRun
from tests.support.small_run import of_kind, status_of
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.records import RequestAnswered, RunRolledBack

pytestmark = [pytest.mark.tensorflow, pytest.mark.stress]


def test_pausing_and_stopping_on_request(cluster: ClusterRun, corpus: Path) -> None:
    cluster.start([corpus, corpus])
    cluster.wait_for_step(20)
    send_request(cluster.run, "pause")
    cluster.wait_for("the run is paused", lambda: status_of(cluster.run).state == RunState.PAUSED)
    step = max(cluster.steps())
    send_request(cluster.run, "learning_rate", value=0.001)
    send_request(cluster.run, "resume")
    cluster.wait_for_step(step + 20)
    send_request(cluster.run, "pause")
    cluster.wait_for("the run is paused", lambda: status_of(cluster.run).state == RunState.PAUSED)
    send_request(cluster.run, "stop")
    assert [each.returncode for each in cluster.end()] == [0, 0]
    assert all(each.accepted for each in of_kind(cluster.run, RequestAnswered))
    assert status_of(cluster.run).state is RunState.STOPPED


def test_a_signal_ends_a_run_that_is_paused(cluster: ClusterRun, corpus: Path) -> None:
    cluster.start([corpus, corpus])
    cluster.wait_for_step(20)
    send_request(cluster.run, "pause")
    cluster.wait_for("the run is paused", lambda: status_of(cluster.run).state == RunState.PAUSED)
    cluster.programs[1].send_signal(signal.SIGTERM)
    assert [each.returncode for each in cluster.end()] == [75, 75]


def test_a_run_that_diverges_goes_back_everywhere(cluster: ClusterRun, corpus: Path) -> None:
    """A decay that multiplies the weights at every step, until half the rate is low enough."""
    settings = "--learning-rate=10", "--weight-decay=1", "--warmup-fraction=0"
    cluster.start([corpus, corpus], *settings)
    cluster.wait_for("it went back three times", lambda: len(rolled_back(cluster)) == 3)
    cluster.wait_for_step(100)
    cluster.programs[1].send_signal(signal.SIGUSR1)
    assert [each.returncode for each in cluster.end()] == [75, 75]
    assert status_of(cluster.run).state is RunState.SAVED


def rolled_back(cluster: ClusterRun) -> list[RunRolledBack]:
    return of_kind(cluster.run, RunRolledBack) if cluster.run.events.exists() else []
