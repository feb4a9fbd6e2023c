"""One SIGINT saves, a second one exits immediately; a signal delivered twice counts once."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.command import PATIENCE, finish, wait_for
from tests.support.held_trainer import HELD_AFTER, start_command
from tests.support.small_run import records_of, status_of
from tests.support.survival import small_run
from tui_charrnn.runs.checkpoints import newest_valid
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import RunEnded


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return small_run(tmp_path)


@contextmanager
def held(
    tmp_path: Path, run: RunDirectory, echo_time: float
) -> Iterator["subprocess.Popen[bytes]"]:
    """The command, whose trainer is blocked."""
    words = "resume", "--headless", str(run.path)
    with start_command(tmp_path, *words, echo_time=echo_time) as program:
        wait_for("the trainer is held", (tmp_path / "held").exists)
        try:
            yield program
        finally:
            (tmp_path / "go").touch()
            program.kill()


def read_until(program: "subprocess.Popen[bytes]", word: bytes) -> None:
    """Read standard error until a word: the command has then forwarded the signal."""
    assert program.stderr is not None
    while word not in (line := program.stderr.readline()):
        assert line, f"it ended without {word.decode()}"


def saved_step(run: RunDirectory) -> int:
    checkpoint = newest_valid(run)
    return 0 if checkpoint is None else checkpoint.step


def test_a_scheduler_that_sends_it_to_every_process_is_one_interrupt(
    tmp_path: Path, run: RunDirectory
) -> None:
    with held(tmp_path, run, echo_time=PATIENCE) as program:
        os.kill(status_of(run).pid, signal.SIGINT)
        program.send_signal(signal.SIGINT)
        read_until(program, b"Saving and stopping")
        (tmp_path / "go").touch()
        ended = finish(program)
    assert ended.returncode == 130, ended.stderr
    assert b"Stopping." not in ended.stderr
    assert (status_of(run).state, saved_step(run)) == (RunState.INTERRUPTED, HELD_AFTER)


def test_a_second_interrupt_stops_immediately(tmp_path: Path, run: RunDirectory) -> None:
    with held(tmp_path, run, echo_time=0.1) as program:
        before = saved_step(run)
        program.send_signal(signal.SIGINT)
        read_until(program, b"Saving and stopping")
        no_echo = time.monotonic() + 2.0
        wait_for("no echo any more", lambda: time.monotonic() > no_echo)
        program.send_signal(signal.SIGINT)
        ended = finish(program)
    assert ended.returncode == 130
    assert b"Stopping." in ended.stderr
    assert saved_step(run) == before < HELD_AFTER
    (end,) = [each for each in records_of(run) if isinstance(each, RunEnded)]
    assert (end.reason, end.exit_code) == ("interrupted", 130)
