"""The tests of the app wait for what it does, never by the clock."""

import pytest

from tests.support.settling import settle_by_messages


@pytest.fixture(autouse=True)
def lasting_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no note and no notification end by the clock, however busy the machine is."""
    monkeypatch.setattr("tui_charrnn.tui.chrome.NOTE_TIME", 3600.0)
    monkeypatch.setattr("textual.app.App.NOTIFICATION_TIMEOUT", 3600.0)


@pytest.fixture(autouse=True)
def settling(monkeypatch: pytest.MonkeyPatch) -> None:
    settle_by_messages(monkeypatch)
