"""A command kills a trainer that waits for other processes and cannot end by itself."""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.command import wait_for
from tui_charrnn.cli import following
from tui_charrnn.cli.following import TrainerWatch
from tui_charrnn.errors import ExitCode
from tui_charrnn.training.distributed.placement import Cluster, JointTask

WAITING = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
events, addresses, is_connected = int(sys.argv[1]), sys.argv[2], sys.argv[3] == "True"
os.write(events, addresses.encode())
if is_connected:
    os.close(events)
signal.sigwait([signal.SIGTERM])
"""
ADDRESSES = "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3"


class Trainer:
    """A process that has written its addresses and then does nothing, and its watch."""

    def __init__(
        self,
        meet_within: float,
        limit: float | None = None,
        *,
        addresses: str = ADDRESSES,
        is_connected: bool = False,
    ) -> None:
        """Start it as rank 1 of three."""
        task = JointTask(cluster=Cluster(1, 3), meet_within=meet_within)
        self.watch = TrainerWatch(task, limit)
        self.process = self.watch.launch(
            lambda *_, kept_open: subprocess.Popen(
                [sys.executable, "-c", WAITING, str(kept_open[0]), addresses, str(is_connected)],
                pass_fds=kept_open,
            )
        )

    def await_verdict(self, leaving: ExitCode | None = None) -> tuple[int, str]:
        """Check until it is killed; return the exit code and the message."""

        def is_over() -> bool:
            self.watch.check(self.process, leaving)
            return self.watch.verdict is not None

        wait_for("the trainer is killed", is_over)
        assert self.process.returncode == -signal.SIGKILL
        verdict = self.watch.verdict
        assert verdict is not None
        return int(verdict.exit_code), str(verdict)

    def end(self) -> None:
        """Kill the process after it has written to its command."""
        select.select([self.watch._events], [], [])
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait()


@pytest.fixture
def started(request: pytest.FixtureRequest) -> Iterator[Trainer]:
    """A trainer with the test's parameters."""
    trainer = Trainer(**request.param)
    yield trainer
    trainer.end()


def started_with(**arguments: object) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("started", [arguments], indirect=True)


def test_ranks_that_do_not_answer_are_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as there, socket.socket() as missing:
        missing.bind(("127.0.0.1", 0))
        addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in (there, missing, missing)]
        trainer = Trainer(0.2, addresses=f"{addresses[0]},127.0.0.1:1,{addresses[2]}")
        try:
            code, sentence = trainer.await_verdict()
        finally:
            trainer.end()
    assert code == 75
    assert sentence.startswith(f"Rank 2 ({addresses[2]}) did not answer within")


@started_with(meet_within=300.0)
@pytest.mark.parametrize("leaving", [ExitCode.RESUME_ME, ExitCode.INTERRUPTED])
def test_a_signal_while_it_connects(started: Trainer, leaving: ExitCode) -> None:
    code, sentence = started.await_verdict(leaving)
    assert (code, "nothing was trained" in sentence) == (leaving, True)


@started_with(meet_within=300.0, limit=0.001)
def test_the_time_limit_applies_while_it_connects(started: Trainer) -> None:
    assert started.await_verdict()[0] == 75


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells that a child is stopped")
@started_with(meet_within=0.0, is_connected=True)
def test_one_that_was_stopped_is_ended(started: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "STOPPED_TIMEOUT", 0.2)
    os.kill(started.process.pid, signal.SIGSTOP)
    code, sentence = started.await_verdict()
    assert (code, "SIGSTOP" in sentence) == (75, True)


@started_with(meet_within=0.0, is_connected=True)
def test_a_connected_trainer_is_not_killed(started: Trainer) -> None:
    started.end()
    started.watch.check(started.process, ExitCode.RESUME_ME)
    assert started.watch.verdict is None
