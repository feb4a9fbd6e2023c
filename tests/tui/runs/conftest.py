"""Fixtures of the tests of the runs pane."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fake_run import FakeTrainer, created_run
from tui_charrnn.tui.runs import list as run_list


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runs folder; its parent is the current folder, where archives go."""
    monkeypatch.setattr(run_list, "INTERVAL", 0.1)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


@pytest.fixture
def trainer(folder: Path) -> Iterator[FakeTrainer]:
    """A trainer that trains the run `live`."""
    with FakeTrainer(created_run(folder, name="live")) as trainer:
        trainer.start()
        trainer.train(3.0)
        yield trainer
