"""`doctor` prints its findings, aligned and safe, and returns the right exit code."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import run_program
from tests.support.examination import NAMES, ON_CPU, python
from tui_charrnn.cli import diagnosis
from tui_charrnn.cli import doctor as command
from tui_charrnn.cli.diagnosis import Finding
from tui_charrnn.cli.main import run
from tui_charrnn.errors import ExitCode
from tui_charrnn.training.trial_facts import encode_result


def test_lines_are_aligned_safe_and_broken_where_the_terminal_ends() -> None:
    findings = [Finding("ok", "gpu", "one \x1b[31mtwo"), Finding("note", "precision", "a " * 40)]
    whole = list(command.report_lines(findings, None))
    assert whole[0] == "ok       gpu        one ␛[31mtwo"
    assert len(whole) == 2
    broken = list(command.report_lines(findings, 60))
    assert max(map(len, broken)) <= 60
    assert broken[2].startswith(" " * 20 + "a")


def run_doctor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *options: str, code: str
) -> tuple[int, str, str]:
    """Exit code, standard output and error with `code` in place of the examining process."""
    monkeypatch.setattr(diagnosis, "task_command", lambda *_: python(code))
    ended = run(["doctor", *options])
    printed = capsys.readouterr()
    return ended, printed.out, printed.err


def test_a_tensorflow_that_fails_ends_with_1_and_the_rest_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, data, messages = run_doctor(monkeypatch, capsys, code="raise OSError('no AVX')")
    assert code == ExitCode.UNEXPECTED
    assert "problem  tensorflow" in data
    assert "Textual" in data
    assert "no AVX" in messages
    assert "Training cannot start here" in messages


def test_a_runs_folder_that_cannot_be_made_ends_with_6(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    code, data, _ = run_doctor(
        monkeypatch,
        capsys,
        "--runs-dir",
        str(tmp_path / "file" / "runs"),
        code=f"print({encode_result(ON_CPU)!r})",
    )
    assert code == ExitCode.CANNOT_SAVE
    assert "problem  runs" in data


def test_all_is_well_ends_with_0(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], isolated_home: Path
) -> None:
    code, data, messages = run_doctor(monkeypatch, capsys, code=f"print({encode_result(ON_CPU)!r})")
    assert code == ExitCode.OK
    assert "problem" not in data
    assert messages.splitlines()[0].startswith("Loading TensorFlow")
    assert messages.splitlines()[-1] == "Training can start here."
    assert list(isolated_home.iterdir()) == []


def test_an_ignored_setting_of_the_file_is_a_note(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "config.toml"
    file.write_text("bogus = 1", encoding="utf-8")
    monkeypatch.setenv("CHARRNN_CONFIG", str(file))
    code, data, _ = run_doctor(monkeypatch, capsys, code=f"print({encode_result(ON_CPU)!r})")
    assert code == ExitCode.OK
    assert "There is no setting 'bogus'." in " ".join(data.split())


def test_a_wrong_setting_is_refused_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, data, messages = run_doctor(monkeypatch, capsys, "--threads", "0", code="1 / 0")
    assert (code, data) == (ExitCode.USAGE, "")
    assert "threads must be" in messages
    assert "Loading" not in messages


@pytest.mark.trainer
def test_a_real_tensorflow_is_examined() -> None:
    ended = run_program(
        "doctor", "--json", "--preset", "tiny", "--threads", "1", "--cell", "rnn", "--steps", "9"
    )
    assert ended.returncode == 0, ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout)
    assert document["exit_code"] == 0
    examination = document["answer"]["examination"]
    assert examination["threads"] == 1
    assert set(examination["path"]) == set(examination["reasons"]) == set(NAMES)
    assert examination["trial_failure"] is None
    labels = [finding["label"] for finding in document["findings"]]
    rows = {*NAMES, "batch", "gpu", "threads", "memory", "runs", "terminal"} - {"shards"}
    assert rows <= set(labels)
    assert b"Traceback" not in ended.stderr
    assert ended.stderr.count(b"\n") == 1  # no log lines of TensorFlow
