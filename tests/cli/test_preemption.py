"""A scheduler's signal while a text is read ends the command with 75, without leftover files.

The text is a pipe without an end, which blocks its reader.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.command import finish, run_program, start_program, wait_for
from tests.support.fake_run import created_run
from tests.support.small_run import of_kind, records_of, status_of
from tui_charrnn.cli import launching
from tui_charrnn.cli.launching import FollowOptions, start_and_watch
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import RunEnded, RunPreempted


@contextmanager
def endless_text(path: Path) -> Iterator[None]:
    """Wait until a process reads from a named pipe, and block that reader."""
    opened: list[int] = []

    def has_reader() -> bool:
        try:
            opened.append(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:  # ENXIO: no process has opened it for reading
            return False
        return True

    wait_for("somebody reads the text", has_reader)
    try:
        yield
    finally:
        os.close(opened[0])


@contextmanager
def held_text(path: Path) -> Iterator[None]:
    """Block every reader of a named pipe, without waiting for one."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        yield
    finally:
        os.close(descriptor)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    os.mkfifo(path)
    return path


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGTERM, 75),
        (signal.SIGUSR1, 75),
        (signal.SIGUSR2, 75),
        (signal.SIGINT, 130),
    ],
)
def test_a_signal_while_the_command_reads(
    tmp_path: Path, text: Path, number: signal.Signals, code: int
) -> None:
    runs = tmp_path / "runs"
    program = start_program("train", "--headless", str(text), "--runs-dir", str(runs))
    with endless_text(text):
        program.send_signal(number)
        ended = finish(program)
    assert ended.returncode == code, ended.stderr
    assert b"Traceback" not in ended.stderr
    assert (number.name.encode() in ended.stderr) is (code == 75)
    assert not runs.exists() or list(runs.iterdir()) == []


def test_a_closed_terminal_while_the_command_reads_changes_nothing(
    tmp_path: Path, text: Path
) -> None:
    runs = tmp_path / "runs"
    program = start_program("train", "--headless", str(text), "--runs-dir", str(runs))
    with endless_text(text):
        program.send_signal(signal.SIGHUP)
    ended = finish(program)
    assert ended.returncode == 3  # it waited until the last writer closed the pipe
    # what it saw of the pipe: no writer at all, or one that wrote nothing and left
    assert b"nobody writes into" in ended.stderr or b"it is empty" in ended.stderr


def test_the_time_limit_applies_while_the_command_reads(tmp_path: Path, text: Path) -> None:
    runs = str(tmp_path / "runs")
    with held_text(text):
        ended = run_program("train", "--headless", str(text), "--runs-dir", runs, "--max-time=1s")
    assert ended.returncode == 75, ended.stderr
    assert b"time limit" in ended.stderr


def unreadable_run(tmp_path: Path, text: Path) -> RunDirectory:
    """A run whose text can be opened but never ends."""
    run = created_run(tmp_path / "runs", name="held")
    source = tmp_path / "runs" / ".corpora" / "fake.txt"
    source.unlink()
    text.rename(source)
    return run


def test_a_signal_while_the_trainer_is_held_by_a_disk(tmp_path: Path, text: Path) -> None:
    run = unreadable_run(tmp_path, text)
    program = start_program("resume", "--headless", str(run.path))
    with endless_text(tmp_path / "runs" / ".corpora" / "fake.txt"):
        program.send_signal(signal.SIGUSR1)
        ended = finish(program)
    assert ended.returncode == 75, ended.stderr
    assert of_kind(run, RunPreempted) == [RunPreempted("SIGUSR1")]
    (end,) = of_kind(run, RunEnded)
    assert records_of(run)[-1] == end
    assert (end.reason, end.exit_code) == ("saved", 75)
    assert status_of(run).state is RunState.SAVED


def test_the_time_limit_applies_while_a_disk_blocks_the_trainer(tmp_path: Path, text: Path) -> None:
    run = unreadable_run(tmp_path, text)
    with held_text(tmp_path / "runs" / ".corpora" / "fake.txt"):
        ended = run_program("resume", "--headless", str(run.path), "--max-time=1s")
    assert ended.returncode == 75, ended.stderr
    assert of_kind(run, RunPreempted) == [RunPreempted("time limit")]


def test_a_trainer_gets_what_the_command_has_left_of_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[str, ...]] = []

    def launch(_: RunDirectory, *options: str) -> "subprocess.Popen[bytes]":
        given.append(options)
        return subprocess.Popen([sys.executable, "-c", ""])

    monkeypatch.setattr(launching, "launch_trainer", launch)
    monkeypatch.setattr("tui_charrnn.cli.following.seconds_since_start", lambda: 600.0)
    run = created_run(tmp_path)
    for limit in (None, 3_600.0, 10.0):
        assert start_and_watch(run, FollowOptions(headless=True, quiet=True), limit) == 0
    assert given == [(), ("--max-time", "3000.000"), ("--max-time", "0.001")]
