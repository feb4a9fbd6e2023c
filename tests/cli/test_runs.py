"""`runs` and `stop`: what is said of a trainer is what can be known of it."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.fake_run import created_run, fake_run, lose_trainer
from tui_charrnn.cli import runs as commands
from tui_charrnn.runs.host import boot_id, host_name
from tui_charrnn.runs.json_values import encode_json
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_status
from tui_charrnn.runs.storage import Storage


def facts(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    commands.runs(folder, as_json=True)
    values: dict[str, object] = json.loads(capsys.readouterr().out)
    return values


def test_a_killed_trainer_is_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lose_trainer(fake_run(tmp_path, end=None))
    commands.runs(tmp_path)
    row = capsys.readouterr().out.splitlines()[1]
    assert row.split()[:2] == ["fake", "lost"]
    found = facts(tmp_path, capsys)
    assert (found["state"], found["trainer"]) == ("training", "lost")


def test_a_trainer_that_said_so_has_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_run(tmp_path)
    found = facts(tmp_path, capsys)
    assert (found["state"], found["trainer"]) == ("finished", "ended")


def test_a_new_run_has_no_trainer_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    created_run(tmp_path)
    found = facts(tmp_path, capsys)
    assert (found["state"], found["trainer"]) == ("created", None)


def test_stop_says_that_the_trainer_was_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = fake_run(tmp_path, end=None)
    lose_trainer(run)
    commands.stop("fake", tmp_path)
    told = capsys.readouterr().err
    assert "is gone" in told
    assert f"charrnn-tui resume {run.path}" in told
    assert not list(run.control.iterdir())


def test_stop_says_that_the_trainer_went_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = fake_run(tmp_path, end=None)
    with subprocess.Popen(["/bin/sleep", "60"]) as stranger:
        pretend_trainer(run, stranger.pid)

        def kill_instead(_seconds: float) -> None:
            stranger.kill()
            stranger.wait()

        monkeypatch.setattr("time.sleep", kill_instead)
        commands.stop("fake", tmp_path)
    told = capsys.readouterr().err
    assert "is training" not in told
    assert f"charrnn-tui resume {run.path}" in told


def pretend_trainer(run: RunDirectory, pid: int) -> None:
    """Let a process be what the run takes for its trainer."""
    status = read_status(run)
    assert status is not None
    live = replace(status, pid=pid, host=host_name(), boot_id=boot_id())
    Storage().write_atomically(run.status, encode_json(live.to_json()))
