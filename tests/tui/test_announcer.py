"""The app tells of the end of a run that it saw training, once."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.viewing.test_announcements import ended_view
from tui_charrnn.preferences.declaration import Preferences
from tui_charrnn.tui import announcer


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the terminal is sent."""
    sequences: list[str] = []
    monkeypatch.setattr(announcer, "send_to_terminal", lambda _app, text: sequences.append(text))
    return sequences


def test_the_end_is_told_once_and_only_of_a_run_that_was_seen_live(
    tmp_path: Path, sent: list[str]
) -> None:
    owner: Any = SimpleNamespace(app=None, post_message=sent.append)
    command = f"touch {tmp_path / 'told'}"
    looking = announcer.RunAnnouncer(owner, Preferences(notify="osc9", notify_command=command))
    ended = ended_view(tmp_path)
    looking.look(ended)
    assert sent == []

    live = replace(ended, ended=None, life="alive")
    looking.look(live)
    looking.look(ended)
    looking.look(ended)
    assert sum("\x1b]9;" in text and "finished" in text for text in sent) == 1
