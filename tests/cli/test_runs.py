"""`runs`, `attach` and `stop` report the state of a trainer."""

import json
import os
import shutil
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from rich.cells import cell_len

from tests.support.fake_run import created_run, fake_run, lose_trainer
from tests.support.hostile_text import HARMFUL, HOSTILE
from tui_charrnn.cli import control, main, opening, output, runs
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.json_values import encode_json
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import boot_id
from tui_charrnn.runs.reader import read_description, read_status
from tui_charrnn.runs.storage import Storage
from tui_charrnn.tui import app


def facts(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    runs.list_all(runs_dir=folder, as_json=True)
    values: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    (only,) = values
    return only


def test_a_killed_trainer_is_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lose_trainer(fake_run(tmp_path, end=None))
    runs.list_all(runs_dir=tmp_path)
    row = capsys.readouterr().out.splitlines()[1]
    assert row.split()[:3] == ["fake", "✗", "lost"]
    found = facts(tmp_path, capsys)
    assert (found["state"], found["trainer"]) == ("training", "lost")


def test_a_trainer_that_recorded_its_end_has_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_run(tmp_path)
    found = facts(tmp_path, capsys)
    assert (found["state"], found["trainer"]) == ("finished", "ended")


def test_a_run_that_was_ended_before_its_first_step_is_not_listed_as_saved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = fake_run(tmp_path)
    status = read_status(run)
    assert status is not None
    for step, state in ((0, "stopped"), (2, "saved")):
        printed = replace(status, state=RunState.SAVED, step=step)
        Storage().write_atomically(run.status, encode_json(printed.to_json()))
        runs.list_all(runs_dir=tmp_path)
        assert capsys.readouterr().out.splitlines()[1].split()[2] == state


def test_a_new_run_has_no_trainer_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    created_run(tmp_path)
    found = facts(tmp_path, capsys)
    assert (found["state"], found["trainer"]) == ("created", None)


def test_a_row_has_what_a_list_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = fake_run(tmp_path, losses=[3.0, 2.0], evaluations={2: 2.25}, end=None)
    status = read_status(run)
    assert status is not None
    printed = replace(
        status, state=RunState.STOPPED, curve=(4.0, 3.0, 2.0, 1.5), total_steps=12_345
    )
    Storage().write_atomically(run.status, encode_json(printed.to_json()))
    runs.list_all(runs_dir=tmp_path)
    heading, row = capsys.readouterr().out.splitlines()
    assert heading.split() == ["RUN", "STATE", "CORPUS", "STEP", "BEST", "CURVE", "AGE"]
    cells = ["fake", "■", "stopped", "fake", "2/12.3k", "2.250", "▇▅▂▁········"]
    assert row.split()[:-1] == cells
    assert facts(tmp_path, capsys)["curve"] == [4.0, 3.0, 2.0, 1.5]


def test_columns_are_aligned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("漢字のラン", "plain", "cafe\u0301"):
        fake_run(tmp_path, name=name)
    runs.list_all(runs_dir=tmp_path)
    rows = capsys.readouterr().out.splitlines()[1:]
    assert {cell_len(row.partition("■")[0]) for row in rows} == {12}


def test_a_long_name_is_cut_off_on_a_terminal_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "漢字" * 15
    fake_run(tmp_path, name=name)
    runs.list_all(runs_dir=tmp_path)
    assert name in capsys.readouterr().out
    monkeypatch.setattr(output, "stdout_is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    runs.list_all(runs_dir=tmp_path)
    row = capsys.readouterr().out.splitlines()[1]
    assert row.startswith("漢字漢字")
    assert "…  ■ finished" in row
    assert cell_len(row) <= 80


def test_a_damaged_run_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    created_run(tmp_path).description.write_bytes(b"{")
    runs.list_all(runs_dir=tmp_path)
    assert capsys.readouterr().out.splitlines()[1].split()[:3] == ["fake", "✗", "unreadable"]
    assert "cannot be used" in str(facts(tmp_path, capsys)["problem"])


def test_a_hostile_list_is_harmless(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = fake_run(tmp_path)
    hostile = HOSTILE.replace("/", "").replace("\x00", "")
    described = read_description(run)
    described = replace(described, corpus=replace(described.corpus, name=HOSTILE))
    Storage().write_atomically(run.description, encode_json(described.to_json()))
    run.path.rename(tmp_path / hostile)
    runs.list_all(runs_dir=tmp_path)
    assert not HARMFUL.search(capsys.readouterr().out.replace("\n", ""))


def test_attach_passes_readonly_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = fake_run(tmp_path)
    opened: list[dict[str, object]] = []

    def open_app(**options: object) -> int:
        opened.append(options)
        return 0

    monkeypatch.setattr(opening, "require_app_terminal", lambda: None)
    monkeypatch.setattr(app, "run_app", open_app)
    for readonly in (False, True):
        with pytest.raises(typer.Exit):
            main.attach(str(run.path), readonly=readonly, runs_dir=tmp_path)
    assert [options["readonly"] for options in opened] == [False, True]
    assert opened[0]["run"] == run.path


def test_attach_takes_the_settings_of_a_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_run(tmp_path)
    opened: list[dict[str, object]] = []
    monkeypatch.setattr(opening, "require_app_terminal", lambda: None)

    def open_app(**options: object) -> int:
        opened.append(options)
        return 0

    monkeypatch.setattr(app, "run_app", open_app)
    words = ["attach", "fake", "--runs-dir", str(tmp_path)]
    assert main.run([*words, "-t", "0.5", "--top-k", "40", "-n", "300"]) == 0
    sampling = opened[0]["options"]
    assert isinstance(sampling, dict)
    given = {name: value for name, value in sampling.items() if value is not None}
    assert given == {"temperature": "0.5", "top_k": "40", "length": "300"}
    assert main.run([*words, "-t", "200"]) == 2
    assert "temperature must be at least 0 and at most 100" in capsys.readouterr().err


def test_stop_reports_a_lost_trainer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = fake_run(tmp_path, end=None)
    lose_trainer(run)
    control.stop("fake", tmp_path)
    printed = capsys.readouterr().err
    assert "is lost" in printed
    assert f"charrnn-tui resume {run.path}" in printed
    assert not list(run.control.iterdir())


def test_stop_reports_a_lost_or_missing_trainer_as_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(control, "START_TIMEOUT", 0.0)
    lose_trainer(fake_run(tmp_path, name="lost", end=None))
    created_run(tmp_path, name="new")
    fake_run(tmp_path, name="over", end="finished")
    for name, message in {
        "lost": "The trainer of lost is lost",
        "new": "new is created; no trainer is running.",
        "over": "over is finished; no trainer is running.",
    }.items():
        assert main.run(["stop", name, "--runs-dir", str(tmp_path)]) == 0
        assert message in capsys.readouterr().err
        assert main.run(["pause", name, "--runs-dir", str(tmp_path)]) == 2
        assert message in capsys.readouterr().err


def test_stop_reports_that_the_trainer_has_ended_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = fake_run(tmp_path, end=None)
    with subprocess.Popen(["/bin/sleep", "60"]) as stranger:
        pretend_trainer(run, stranger.pid)

        def kill_instead(_seconds: float) -> None:
            stranger.kill()
            stranger.wait()

        monkeypatch.setattr("time.sleep", kill_instead)
        control.stop("fake", tmp_path)
    printed = capsys.readouterr().err
    assert "is training" not in printed
    assert f"charrnn-tui resume {run.path}" in printed


def test_stop_reports_that_the_run_was_deleted_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = fake_run(tmp_path, end=None)
    pretend_trainer(run, os.getpid())
    monkeypatch.setattr("time.sleep", lambda _seconds: shutil.rmtree(run.path))
    control.stop("fake", tmp_path)
    assert capsys.readouterr().err == "fake is gone.\n"


def pretend_trainer(run: RunDirectory, pid: int) -> None:
    """Record a process as the trainer of a run."""
    status = read_status(run)
    assert status is not None
    live = replace(status, pid=pid, host=socket.gethostname(), boot_id=boot_id())
    Storage().write_atomically(run.status, encode_json(live.to_json()))


def test_a_run_without_a_note_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fake_run(tmp_path)
    words = ["runs", "note", "fake", "--runs-dir", str(tmp_path)]
    assert main.run(words) == 0
    assert capsys.readouterr() == ("", "fake has no note.\n")
    assert main.run([*words, "a first try"]) == 0
    assert main.run(words) == 0
    assert capsys.readouterr().out == "a first try\n"
