"""A login that ends takes no training with it, and a command that stays does not mind."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.command import finish, start_program, wait_for
from tests.support.fake_run import created_run
from tests.support.small_run import records_of, status_of
from tests.support.terminal import Terminal
from tests.support.trainer_process import with_trainer
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import process_exists
from tui_charrnn.runs.records import BatchTrained

pytestmark = pytest.mark.pty


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return created_run(tmp_path / "runs", name="mine")


def trainer_until(file: Path) -> str:
    """A trainer that trains a batch once a file is there, and ends."""
    return (
        f"trainer.start(); trainer.train(3.0); wait_for_file(Path({str(file)!r})); "
        "trainer.train(2.5); trainer.end()"
    )


@contextmanager
def trainer_of(run: RunDirectory) -> Iterator[int]:
    """The trainer that a command started; whatever happens, it does not stay."""
    pid = status_of(run).pid
    try:
        yield pid
    finally:
        if process_exists(pid):
            os.kill(pid, signal.SIGKILL)


def has_trained(run: RunDirectory, batches: int) -> bool:
    return sum(isinstance(record, BatchTrained) for record in records_of(run)) >= batches


def test_a_detached_training_survives_the_death_of_its_login(
    tmp_path: Path, run: RunDirectory
) -> None:
    go_on = tmp_path / "go-on"
    command = with_trainer(trainer_until(go_on), "resume", "--detach", str(run.path))
    login = ["bash", "-c", '"$@"; echo "left with $?"; read -r _', "login", *command]
    with Terminal(login, size=(200, 24)) as terminal:
        terminal.wait_for_text("left with 0")
        assert str(run.path) in terminal.text
        assert f"charrnn-tui attach {run.path}" in terminal.text
        with trainer_of(run) as trainer:
            assert os.getsid(trainer) == trainer
            terminal.process.send_signal(signal.SIGKILL)
            terminal.hang_up()
            terminal.process.wait()
            go_on.touch()
            wait_for("the training has ended", lambda: has_finished(run))
    assert has_trained(run, 2)


def has_finished(run: RunDirectory) -> bool:
    return status_of(run).state is RunState.FINISHED


def test_a_command_that_stays_goes_on_without_its_terminal(
    tmp_path: Path, run: RunDirectory
) -> None:
    go_on = tmp_path / "go-on"
    command = with_trainer(trainer_until(go_on), "resume", "--headless", str(run.path))
    with Terminal(command, size=(120, 24)) as terminal:
        terminal.wait_for("a batch is trained", lambda: has_trained(run, 1))
        with trainer_of(run):
            terminal.hang_up()
            go_on.touch()
            assert terminal.wait_for_end(reads=False) == 0
    assert status_of(run).state is RunState.FINISHED


def test_a_hang_up_is_no_signal_to_a_command_without_a_terminal(run: RunDirectory) -> None:
    program = start_program("resume", "--headless", "--quiet", str(run.path))
    try:
        wait_for("the trainer has taken the run up", lambda: status_of(run).pid > 0)
        program.send_signal(signal.SIGHUP)
        os.kill(status_of(run).pid, signal.SIGHUP)
        program.send_signal(signal.SIGTERM)
        assert finish(program).returncode == 75
    finally:
        program.kill()
