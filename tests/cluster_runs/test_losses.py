"""What the others do when one of them is lost: each leaves within a stated time, to be resumed."""

import os
import signal
from pathlib import Path

import pytest

from tests.support.cluster_run import ClusterRun
from tests.support.small_run import status_of
from tui_charrnn.runs.checkpoints import newest_valid
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.description import RunState

pytestmark = [pytest.mark.tensorflow, pytest.mark.stress]


def test_one_that_hangs_is_named(cluster: ClusterRun, corpus: Path) -> None:
    cluster.start([corpus, corpus])
    cluster.wait_for_step(20)
    hanging = cluster.trainer_of(1)
    os.kill(hanging, signal.SIGSTOP)
    chief = cluster.end_of(0)
    os.kill(hanging, signal.SIGKILL)
    assert chief.returncode == 75
    assert b"Rank 1" in chief.stderr
    assert status_of(cluster.run).state is RunState.SAVED


def test_a_chief_that_dies_is_named_and_its_run_goes_on(cluster: ClusterRun, corpus: Path) -> None:
    cluster.start([corpus, corpus])
    cluster.wait_for_step(20)
    send_request(cluster.run, "checkpoint")
    cluster.wait_for("the run is saved", lambda: newest_valid(cluster.run) is not None)
    os.kill(cluster.trainer_of(0), signal.SIGKILL)
    chief, other = cluster.end()
    assert (chief.returncode, other.returncode) == (1, 75), (chief, other)
    assert b"Rank 0" in other.stderr
    saved = newest_valid(cluster.run)
    assert saved is not None
    cluster.programs.clear()
    cluster.start([corpus, corpus])
    cluster.wait_for_step(max(cluster.steps()) + 20)
    cluster.programs[0].send_signal(signal.SIGINT)
    assert [each.returncode for each in cluster.end()] == [130, 130]
