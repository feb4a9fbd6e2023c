"""Processes that never come, die or hang: all others end, and can go on."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.support.cluster_run import ClusterRun, free_addresses
from tests.support.small_run import of_kind, status_of
from tui_charrnn.runs.checkpoints import newest_valid
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.records import CheckpointSaved, RunWarned

pytestmark = [pytest.mark.trainer, pytest.mark.stress]


@pytest.mark.parametrize("size", [2, 3])
def test_one_that_never_comes_is_named(cluster: ClusterRun, corpus: Path, size: int) -> None:
    addresses = free_addresses(size)
    cluster.start([corpus] * (size - 1), "--meet-within=20s", cluster=addresses)
    missing = addresses.split(",")[-1]
    ended = cluster.end()
    assert [each.returncode for each in ended] == [75] * (size - 1), ended
    assert any(f"Rank {size - 1} ({missing})".encode() in each.stderr for each in ended), ended
    assert not cluster.run.path.exists()


def test_rank_0_that_never_comes(cluster: ClusterRun, corpus: Path) -> None:
    addresses = free_addresses(3)
    cluster.start([corpus] * 2, "--meet-within=20s", ranks=[1, 2], cluster=addresses)
    assert cluster.codes() == [75, 75]


def test_one_that_is_told_to_leave_while_it_waits(cluster: ClusterRun, corpus: Path) -> None:
    """TensorFlow holds the interpreter meanwhile; the command ends its trainer."""
    cluster.start([corpus], ranks=[1], cluster=free_addresses(2))
    cluster.wait_for("its trainer connects", lambda: bool(cluster.ports_of(0)))
    cluster.programs[0].send_signal(signal.SIGTERM)
    (ended,) = cluster.end()
    assert ended.returncode == 75
    assert b"nothing was trained" in ended.stderr


@pytest.mark.parametrize(("size", "lost"), [(2, 0), (2, 1), (3, 0), (3, 1)])
def test_one_that_is_killed_ends_all(
    cluster: ClusterRun, corpus: Path, size: int, lost: int
) -> None:
    cluster.start([corpus] * size)
    cluster.wait_for_step(30)
    send_request(cluster.run, "checkpoint")
    cluster.wait_for("it is saved", lambda: bool(of_kind(cluster.run, CheckpointSaved)))
    cluster.wait_for_step(max(cluster.steps()) + random.SystemRandom().randrange(50))
    began = time.monotonic()
    os.kill(cluster.trainer_of(lost), signal.SIGKILL)
    ended = cluster.end()
    assert time.monotonic() - began < 60
    codes = [each.returncode for each in ended]
    assert codes[:lost] + codes[lost + 1 :] == [75] * (size - 1), ended
    assert newest_valid(cluster.run) is not None
    cluster.start([corpus] * size)  # the same command goes on
    cluster.wait_for_step(max(cluster.steps()) + 20)
    send_request(cluster.run, "stop")
    assert cluster.codes() == [0] * size


@pytest.mark.parametrize(("size", "lost"), [(2, 0), (2, 1), (3, 0), (3, 2)])
def test_one_that_hangs_ends_all_and_is_ended(
    cluster: ClusterRun, corpus: Path, size: int, lost: int
) -> None:
    cluster.start([corpus] * size)
    cluster.wait_for_step(60)
    began = time.monotonic()
    trainer = cluster.trainer_of(lost)
    os.kill(trainer, signal.SIGSTOP)
    ended = cluster.end()
    assert time.monotonic() - began < 90
    assert [each.returncode for each in ended] == [75] * size, ended
    assert not Path(f"/proc/{trainer}").exists()
    assert status_of(cluster.run).state is RunState.SAVED
    told = of_kind(cluster.run, RunWarned)[-1].message
    assert "SIGSTOP" in told if lost == 0 else f"Rank {lost} (127.0.0.1:" in told
