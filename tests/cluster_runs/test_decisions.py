"""What the chief decides holds for all: a run that diverges goes back everywhere."""

import signal
from pathlib import Path

import pytest

from tests.support.cluster_run import ClusterRun
from tests.support.small_run import of_kind, status_of
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.records import RunRolledBack

pytestmark = [pytest.mark.trainer, pytest.mark.stress]


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
