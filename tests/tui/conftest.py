"""The tests of the app wait for what it does, never by the clock."""

import pytest

from tests.support.settling import settle_by_messages


@pytest.fixture(autouse=True)
def settling(monkeypatch: pytest.MonkeyPatch) -> None:
    settle_by_messages(monkeypatch)
