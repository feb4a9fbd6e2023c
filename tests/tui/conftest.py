"""Apps that speak while they are tested are not waited for in vain."""

import pytest
import textual.app
import textual.pilot

from tests.support.settling import settle


@pytest.fixture(autouse=True)
def settles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual's pilot waits as `settle` does."""
    for module in (textual.app, textual.pilot):
        monkeypatch.setattr(module, "wait_for_idle", settle)
