"""Which run the app comes back to."""

import os
import time
from pathlib import Path

from tests.support.fake_run import FakeTrainer, created_run, fake_run
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.tui.session import find_run_to_show


def age(run: RunDirectory, seconds: float) -> None:
    """Make all of a run look as if it had last been written some time ago."""
    then = time.time() - seconds
    for path in [run.path, *run.path.rglob("*")]:
        os.utime(path, (then, then))


def test_a_run_that_trains_comes_before_a_newer_one_that_has_ended(tmp_path: Path) -> None:
    with FakeTrainer(created_run(tmp_path, name="training")) as trainer:
        trainer.start()
        age(RunDirectory(tmp_path / "training"), 2)
        fake_run(tmp_path, name="ended")
        found = find_run_to_show(tmp_path)
    assert found is not None
    assert found.name == "training"


def test_without_one_the_newest_that_ended_is_shown(tmp_path: Path) -> None:
    age(fake_run(tmp_path, name="older"), 60)
    fake_run(tmp_path, name="newer")
    found = find_run_to_show(tmp_path)
    assert found is not None
    assert found.name == "newer"


def test_what_ended_long_ago_is_left_alone(tmp_path: Path) -> None:
    age(fake_run(tmp_path), 8 * 86_400)
    assert find_run_to_show(tmp_path) is None


def test_a_missing_folder_holds_nothing_to_show(tmp_path: Path) -> None:
    assert find_run_to_show(tmp_path / "missing") is None
