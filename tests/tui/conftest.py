"""Fixtures for tests of the app: they wait for events, never for a time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fake_run import FakeTrainer, created_run
from tests.support.open_app import RecordingLauncher
from tests.support.settling import settle_by_messages


@pytest.fixture(autouse=True)
def lasting_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every note and notification, however slow the machine is."""
    monkeypatch.setattr("tui_charrnn.tui.chrome.NOTE_TIME", 3600.0)
    monkeypatch.setattr("textual.app.App.NOTIFICATION_TIMEOUT", 3600.0)


@pytest.fixture(autouse=True)
def settling(monkeypatch: pytest.MonkeyPatch) -> None:
    settle_by_messages(monkeypatch)


@pytest.fixture
def trainer(tmp_path: Path) -> Iterator[FakeTrainer]:
    """A trainer on the run `fake`, after two batches."""
    with FakeTrainer(created_run(tmp_path / "runs")) as trainer:
        trainer.start()
        trainer.train(3.0, 2.5)
        yield trainer


@pytest.fixture
def launch() -> Iterator[RecordingLauncher]:
    """A launcher of idle processes that are ended after the test."""
    launch = RecordingLauncher()
    yield launch
    launch.end()
