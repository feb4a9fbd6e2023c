"""Fixtures for tests of the app: they wait for events, never for a time."""

import pytest

from tests.support.settling import settle_by_messages


@pytest.fixture(autouse=True)
def lasting_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every note and notification, however slow the machine is."""
    monkeypatch.setattr("tui_charrnn.tui.chrome.NOTE_TIME", 3600.0)
    monkeypatch.setattr("textual.app.App.NOTIFICATION_TIMEOUT", 3600.0)


@pytest.fixture(autouse=True)
def settling(monkeypatch: pytest.MonkeyPatch) -> None:
    settle_by_messages(monkeypatch)
