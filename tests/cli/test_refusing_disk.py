"""A disk on which every read fails, or another user's run: one sentence and the exit code."""

import errno
from pathlib import Path

import pytest

from tests.support.fake_run import fake_run
from tests.support.refusing_disk import refuse_all
from tui_charrnn.cli.launching import report_failure
from tui_charrnn.cli.main import run as run_command
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import LogTail


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return fake_run(tmp_path / "runs", losses=[3.0, 2.0], evaluations={2: 2.4}, end="saved")


@pytest.mark.parametrize("only_inside", [False, True])
@pytest.mark.parametrize("code", [errno.EIO, errno.EACCES])
@pytest.mark.parametrize(
    "words",
    [
        ["doctor"],
        ["runs", "show"],
        ["runs", "export"],
        ["runs", "rm", "--yes"],
        ["resume", "--headless"],
        ["stop"],
        ["generate", "a", "--no-history", "--model"],
    ],
    ids=" ".join,
)
def test_a_run_that_cannot_be_read_is_reported_with_3(
    run: RunDirectory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    only_inside: bool,
) -> None:
    with monkeypatch.context() as patch:
        refuse_all(patch, run.path, code, only_inside=only_inside)
        assert run_command([*words, str(run.path)]) == 3
    printed = capsys.readouterr().err
    assert "There is no run" not in printed
    assert printed.count("\n") == 1
    assert "defect" not in printed


@pytest.mark.parametrize("only_inside", [False, True])
def test_the_end_of_a_trainer_is_still_reported(
    run: RunDirectory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    only_inside: bool,
) -> None:
    with monkeypatch.context() as patch:
        refuse_all(patch, run.path, errno.EIO, only_inside=only_inside)
        report_failure(run, 6, LogTail(run.log))
    assert "ended with exit code 6" in capsys.readouterr().err
