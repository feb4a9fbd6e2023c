"""Training texts and generated texts are private to the user."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import run_program
from tests.support.fake_run import created_run, fake_run
from tests.support.tiny_model import tiny_model_file
from tui_charrnn.runs.control import send_request, take_requests
from tui_charrnn.runs.layout import RunDirectory

STRANGER = 65_534


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Set the umask that makes new files accessible to everyone."""
    before = os.umask(0)
    yield
    os.umask(before)


def open_paths(folder: Path) -> dict[str, str]:
    """Return the paths in a folder that users other than the owner can access."""
    paths = [folder, *folder.rglob("*")]
    modes = {path: path.lstat().st_mode for path in paths}
    return {str(path): oct(mode) for path, mode in modes.items() if stat.S_IMODE(mode) & 0o077}


@pytest.mark.usefixtures("open_umask")
def test_a_run_is_for_its_owner_alone(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "runs", losses=[3.0, 2.0], evaluations={2: 1.5})
    send_request(run, "stop")
    assert len(list(run.path.rglob("*"))) > 10
    assert open_paths(run.path) == {}


@pytest.mark.usefixtures("open_umask")
def test_the_log_of_a_trainer_is_too(tmp_path: Path) -> None:
    run = created_run(tmp_path / "runs")
    (tmp_path / "runs" / ".corpora" / "fake.txt").write_text("another text", encoding="utf-8")
    ended = run_program("resume", "--headless", str(run.path))
    assert ended.returncode == 3, ended.stderr
    assert run.log.exists()
    assert open_paths(run.path) == {}


@pytest.mark.usefixtures("open_umask")
def test_the_history_of_generated_texts_is_too(tmp_path: Path, isolated_home: Path) -> None:
    model = tiny_model_file(tmp_path / "tiny.safetensors")
    ended = run_program("generate", "abc", "-n", "5", "--model", str(model))
    assert ended.returncode == 0, ended.stderr
    kept = [path for path in isolated_home.rglob("*") if path.is_file()]
    assert kept
    assert [path for path in kept if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


@pytest.fixture
def others_run(tmp_path: Path) -> RunDirectory:
    """A run of another user, with requests of root, of that user and of a third user."""
    if os.geteuid() != 0:
        pytest.skip("only root can give files to other users")
    run = RunDirectory(tmp_path / "run")
    run.path.mkdir()
    requests = ["stop", "checkpoint", "publish"]
    for word in requests:
        send_request(run, word)
    os.chown(run.path, 1_000, 1_000)
    files = sorted(run.control.iterdir())
    os.chown(files[1], 1_000, 1_000)
    os.chown(files[2], STRANGER, STRANGER)
    return run


def test_a_trainer_obeys_the_owner_of_its_run_and_root(others_run: RunDirectory) -> None:
    taken = take_requests(others_run)
    assert [(request.request, not request.refusal) for request in taken] == [
        ("stop", True),
        ("checkpoint", True),
        ("publish", False),
    ]
    assert list(others_run.control.iterdir()) == []


def test_a_link_to_somebody_elses_file_is_no_request(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    run.path.mkdir()
    send_request(run, "stop")
    (request,) = run.control.iterdir()
    kept = request.rename(tmp_path / "kept.json")
    (run.control / "1.json").symlink_to(kept)
    assert [request.request for request in take_requests(run)] == [""]
    assert kept.exists()
