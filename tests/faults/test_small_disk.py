"""A training whose disk is really full for a while: a small tmpfs, and files that may not grow."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import PATIENCE, ROOT
from tests.support.numpy_trainer import numpy_training
from tests.support.small_disk import NO_MOUNT, TRAINING_HERE
from tests.support.survival import series_of, small_run, train
from tui_charrnn.errors import ExitCode


def trained_on(kind: str, folder: Path, *before: str) -> dict[str, Any]:
    """What a run told that was trained in a process of its own."""
    done = subprocess.run(
        [*before, sys.executable, "-m", "tests.support.small_disk", kind, str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode == NO_MOUNT:
        pytest.skip("nothing can be mounted here")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def assert_recovered(told: dict[str, Any], folder: Path, cause: str) -> None:
    """It trained on, said what was wrong as long as it was, and lost nothing."""
    saved = told["saved"]["6"]
    assert saved > 0
    assert told["degraded"]["6"] == ""
    # the sixth step is recorded, and saved if it is due, after it was looked at
    assert told["degraded"]["15"].startswith(cause)
    assert told["degraded"]["16"].startswith(cause)
    assert told["saved"]["16"] in {saved, saved + 1, 6}
    assert told["last"] == ["", 24, "finished"]
    assert told["code"] == ExitCode.OK
    with numpy_training():
        run = small_run(folder / "control", TRAINING_HERE)
        assert train(run) is ExitCode.OK
    control = sorted([*key, *value] for key, value in series_of(run).items())
    assert told["series"] == control


def namespace() -> list[str]:
    """The command in which a process may mount what nobody else sees."""
    enter = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "-r"]
    try:
        able = subprocess.run([*enter, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        able = False
    if not able:
        pytest.skip("there are no mount namespaces here")
    return enter


def test_a_full_tmpfs_stops_no_training(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    told = trained_on("tmpfs", folder, *namespace())
    assert_recovered(told, tmp_path, "disk full, last saved step ")


def test_a_disk_that_can_only_be_read_is_refused_in_a_sentence(tmp_path: Path) -> None:
    told = trained_on("readonly", tmp_path, *namespace())
    assert told["code"] == ExitCode.CANNOT_SAVE
    assert "is read-only; choose another folder" in told["said"]
    assert (told["is_same"], told["opens"]) == (True, 5)


def test_files_that_may_not_grow_stop_no_training(tmp_path: Path) -> None:
    """As under `ulimit -f`: checkpoints are refused, or the records wait."""
    assert_recovered(trained_on("limit", tmp_path / "run"), tmp_path, "file too large, ")
