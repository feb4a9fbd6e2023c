"""A trainer starts in its own session and imports the same package."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tui_charrnn
from tests.support.command import PATIENCE
from tui_charrnn.errors import StorageError
from tui_charrnn.runs.launcher import launch_trainer, trainer_environment
from tui_charrnn.runs.layout import RunDirectory

CHECKOUT = str(Path(tui_charrnn.__file__).resolve().parent.parent)


def test_the_trainer_runs_by_itself_and_speaks_to_its_log(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)  # no run at all: the trainer says so and leaves
    run.log.write_bytes(b"before\n")
    with launch_trainer(run) as trainer:
        assert trainer.stdin is None
        assert trainer.wait(PATIENCE) == 3
    log = run.log.read_text(encoding="utf-8")
    assert log.startswith("before\n")
    assert "is not a run" in log


def test_the_trainer_is_started_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}

    def start(command: list[str], **options: object) -> None:
        seen.update(options, command=command)

    monkeypatch.setattr(subprocess, "Popen", start)
    launch_trainer(RunDirectory(tmp_path), "--force")
    trainer = [sys.executable, "-P", "-m", "tui_charrnn.training"]
    assert seen["command"] == [*trainer, str(tmp_path), "--force"]
    assert seen["start_new_session"] is True
    assert seen["stdin"] is subprocess.DEVNULL


def test_a_log_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"Cannot write .*trainer\.log: no such file"):
        launch_trainer(RunDirectory(tmp_path / "missing"))


def test_what_the_app_set_for_itself_is_not_handed_on() -> None:
    environment = trainer_environment({"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "4"})
    assert "OPENBLAS_NUM_THREADS" not in environment
    assert environment["OMP_NUM_THREADS"] == "4"


def test_what_libraries_obey_is_set_whatever_the_user_has() -> None:
    environment = trainer_environment({"KERAS_BACKEND": "torch", "KERAS_HOME": "/some/where"})
    assert environment["KERAS_BACKEND"] == "tensorflow"
    assert environment["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    assert not Path(environment["KERAS_HOME"]).exists()


def test_the_package_is_found_from_any_folder() -> None:
    entries = trainer_environment({"PYTHONPATH": f"lib{os.pathsep}/opt/lib"})["PYTHONPATH"]
    assert entries.split(os.pathsep) == [CHECKOUT, str(Path("lib").absolute()), "/opt/lib"]
