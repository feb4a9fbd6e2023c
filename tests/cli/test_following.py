"""A command that follows a trainer reports what happened to it."""

import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.command import PATIENCE, ROOT
from tests.support.fake_run import created_run, fake_run
from tests.support.trainer_process import start_trainer, with_trainer
from tui_charrnn.cli import following, launching, main
from tui_charrnn.cli.following import TrainerWatch, supervise
from tui_charrnn.cli.launching import FollowOptions, start_and_watch
from tui_charrnn.cli.reporting import JsonReporter
from tui_charrnn.errors import ExitCode, RunError
from tui_charrnn.runs.description import RunStatus
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader, read_status
from tui_charrnn.runs.records import BatchTrained, Record
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.distributed.placement import Cluster, JointTask
from tui_charrnn.viewing import announcements
from tui_charrnn.viewing.announcements import end_state
from tui_charrnn.viewing.run_view import RunView

WHOLE = "trainer.start(); trainer.train(3.0, 2.5); trainer.evaluate(2.0); trainer.end()"


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return created_run(tmp_path, name="mine")


HEADLESS = FollowOptions(headless=True)


def watch(
    monkeypatch: pytest.MonkeyPatch,
    run: RunDirectory,
    code: str,
    options: FollowOptions = HEADLESS,
) -> tuple[int, list["subprocess.Popen[bytes]"]]:
    """Exit code of a command that starts a scripted trainer, and that trainer."""
    started: list[subprocess.Popen[bytes]] = []

    def launch(run: RunDirectory, *_: str) -> "subprocess.Popen[bytes]":
        started.append(start_trainer(run, code))
        return started[-1]

    monkeypatch.setattr(launching, "launch_trainer", launch)
    return start_and_watch(run, options), started


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """State and step of each end that the command of the user is told."""
    told: list[tuple[str, int]] = []
    monkeypatch.setenv("CHARRNN_NOTIFY_COMMAND", "notify me")
    monkeypatch.setattr(
        announcements,
        "run_notify_command",
        lambda _command, view: told.append((end_state(view), view.step)),
    )
    return told


def test_the_outcome_is_printed_with_earlier_results(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = fake_run(tmp_path, losses=[3.0, 2.0], evaluations={2: 1.5}, end="saved")
    go_on = "trainer.step = 2; trainer.train(1.9); trainer.evaluate(1.75); trainer.end()"
    code, _ = watch(monkeypatch, run, go_on)
    printed = capsys.readouterr()
    assert (code, printed.out) == (0, f"{run.path}\n")
    assert "validation 1.500 at step 2" in printed.err


def test_a_damaged_state_does_not_prevent_it(
    monkeypatch: pytest.MonkeyPatch, run: RunDirectory
) -> None:
    run.status.write_text("{", encoding="utf-8")
    assert watch(monkeypatch, run, WHOLE)[0] == 0


def test_a_read_that_fails_does_not_end_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, run: RunDirectory
) -> None:
    def stumbling(read: Callable[..., object], end: Path) -> Callable[..., object]:
        looks = iter(range(3))

        def stumble(*arguments: object) -> object:
            if next(looks, None) is not None:
                raise RunError("state.json cannot be read: Stale file handle.")
            end.touch()
            return read(*arguments)

        return stumble

    ends = [tmp_path / "status was read", tmp_path / "records were read"]
    monkeypatch.setattr(following, "read_status", stumbling(read_status, ends[0]))
    read = RunReader.read_new_stretches
    monkeypatch.setattr(RunReader, "read_new_stretches", stumbling(read, ends[1]))
    waiting = "; ".join(f"wait_for_file(Path({str(end)!r}))" for end in ends)
    assert watch(monkeypatch, run, f"{WHOLE}; {waiting}; sys.exit(4)")[0] == 4


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 75)])
def test_a_signal_while_the_trainer_is_started_reaches_it(
    number: signal.Signals, code: int
) -> None:
    def launch() -> "subprocess.Popen[bytes]":
        signal.raise_signal(number)
        return subprocess.Popen(["/bin/sleep", "60"])

    assert supervise(launch, print, None) == code


def test_a_trainer_that_is_killed_from_outside_is_reported(
    monkeypatch: pytest.MonkeyPatch, run: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = watch(monkeypatch, run, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    printed = capsys.readouterr().err
    assert code == 1
    assert "SIGKILL" in printed
    assert f"charrnn-tui resume {run.path}" in printed


@pytest.mark.parametrize(
    ("code", "end"),
    [
        ("trainer.start(); os.kill(os.getpid(), signal.SIGKILL)", ("lost", 2)),
        ("sys.exit(1)", ("failed", 2)),
        (WHOLE, ("finished", 2)),
    ],
)
@pytest.mark.parametrize("quiet", [False, True])
def test_the_command_of_the_user_is_told_how_the_run_ended(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    told: list[tuple[str, int]],
    code: str,
    end: tuple[str, int],
    quiet: bool,
) -> None:
    run = fake_run(tmp_path, losses=[3.0, 2.0], end="saved")  # by an earlier trainer
    options = replace(HEADLESS, quiet=quiet)
    watch(monkeypatch, run, f"import os, signal; {code}", options)
    assert told == [end]


def test_a_trainer_that_could_not_write_has_failed_whatever_an_earlier_one_wrote(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: list[tuple[str, int]]
) -> None:
    monkeypatch.setattr(
        launching,
        "launch_trainer",
        lambda *_: subprocess.Popen(["/bin/sh", "-c", "exit 1"], start_new_session=True),
    )
    run = fake_run(tmp_path, losses=[3.0, 2.0], end="saved")
    assert start_and_watch(run, HEADLESS) == 1
    assert [state for state, _ in told] == ["failed"]


def test_an_end_that_was_not_recorded_is_known_from_the_status(
    monkeypatch: pytest.MonkeyPatch, run: RunDirectory, told: list[tuple[str, int]]
) -> None:
    script = "trainer.start(); trainer.writer.set_status(state=RunState.SAVED, step=7)"
    script = f"from tui_charrnn.runs.description import RunState; {script}"
    code, _ = watch(monkeypatch, run, script, replace(HEADLESS, quiet=True))
    assert code == ExitCode.OK
    assert told == [("saved", 7)]


class EndingWatch(TrainerWatch):
    """Kills the trainer at the first look, as if another process of the training were lost."""

    def launch(self, start: Callable[..., "subprocess.Popen[bytes]"]) -> "subprocess.Popen[bytes]":
        return start()

    def check(self, trainer: "subprocess.Popen[bytes]", leaving: ExitCode | None) -> None:
        self._kill(trainer, "Rank 1 is lost.", ExitCode.RESUME_ME)


def test_the_command_of_the_user_runs_if_a_joint_training_breaks_off(
    monkeypatch: pytest.MonkeyPatch, run: RunDirectory, told: list[tuple[str, int]]
) -> None:
    options = replace(HEADLESS, watch=EndingWatch(JointTask(cluster=Cluster(0, 2))))
    code, _ = watch(monkeypatch, run, "import signal; signal.pause()", options)
    assert code == ExitCode.RESUME_ME
    assert [state for state, _ in told] == ["saved"]


def test_a_trainer_that_ends_without_a_record_is_reported(
    monkeypatch: pytest.MonkeyPatch, run: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert watch(monkeypatch, run, "sys.exit(1)")[0] == 1
    assert str(run.log) in capsys.readouterr().err


def test_a_failure_is_reported_once(
    monkeypatch: pytest.MonkeyPatch, run: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = watch(monkeypatch, run, "trainer.start(); trainer.fail('No text.'); sys.exit(3)")
    assert code == 3
    assert capsys.readouterr().err.count("No text.") == 1


def test_a_run_that_a_disk_refused_can_be_resumed(
    monkeypatch: pytest.MonkeyPatch, run: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = "trainer.start(); trainer.train(3.0); trainer.save(3.0); trainer.fail('Disk full.')"
    assert watch(monkeypatch, run, f"{failing}; sys.exit(6)")[0] == 6
    printed = capsys.readouterr().err.splitlines()
    assert printed[-1] == f"Saved at step 1. Resume it with: charrnn-tui resume {run.path}"


def test_json_ends_with_its_reader_and_training_does_not(tmp_path: Path, run: RunDirectory) -> None:
    go_on = tmp_path / "go-on"
    code = f"""
        trainer.start()
        wait_for_file(Path({str(go_on)!r}))
        trainer.train(*[2.0] * 1000)
        trainer.diverge()
        sys.exit(4)
    """
    words = with_trainer(code, "resume", "--headless", "--json", str(run.path))
    with subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        assert program.stdout.readline().startswith(b'{"kind":"started"')
        program.stdout.close()
        go_on.touch()
        printed = program.stderr.read()
    assert program.returncode == 4
    assert b"The loss is not a number." in printed
    assert b"Broken pipe" not in printed


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_json_that_the_disk_refuses_is_reported_once(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    records: list[Record] = [BatchTrained(step, 2.0, 0.1, 0.5, 1.0) for step in (1, 2)]
    reporter = JsonReporter(RunView(run))
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        monkeypatch.setattr("sys.stdout", full)
        reporter.show(records, None)
        reporter.show(records, None)
    assert capsys.readouterr().err.count("No space left") == 1


def test_the_command_ends_once_a_detached_trainer_has_the_run(
    monkeypatch: pytest.MonkeyPatch, run: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(following, "START_TIMEOUT", PATIENCE)
    code, started = watch(
        monkeypatch, run, "import time; time.sleep(3600)", FollowOptions(False, detach=True)
    )
    try:
        status = read_status(run)
        assert isinstance(status, RunStatus)
        assert status.pid == started[0].pid
    finally:
        started[0].kill()
        started[0].wait()
    printed = capsys.readouterr()
    assert (code, printed.out) == (0, f"{run.path}\n")
    assert f"charrnn-tui stop {run.path}" in printed.err


def test_a_detached_trainer_that_is_refused_is_reported(
    monkeypatch: pytest.MonkeyPatch, run: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(following, "START_TIMEOUT", PATIENCE)
    with RunWriter(run):
        code = main.run(["resume", "--detach", str(run.path)])
    printed = capsys.readouterr()
    assert (code, printed.out) == (5, "")
    assert str(os.getpid()) in printed.err
    assert "continues in the background" not in printed.err
