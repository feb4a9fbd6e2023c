"""The guard of the terminal in which the app runs."""

import os
import select
import signal

import pytest

from tui_charrnn.tui.terminal import TerminalGuard


class Poll:
    """A fake `select.poll` that reports one event immediately."""

    def __init__(self, event: int) -> None:
        self._event = event

    def register(self, descriptor: int, events: int) -> None:
        pass

    def poll(self) -> list[tuple[int, int]]:
        return [(0, self._event)]


@pytest.mark.parametrize(
    ("event", "sent"),
    [
        (select.POLLHUP, [signal.SIGHUP]),
        (select.POLLERR, [signal.SIGHUP]),
        (select.POLLNVAL, []),
    ],
    ids=["hang-up", "error", "not-to-be-polled"],
)
def test_only_a_terminal_that_is_gone_ends_the_app(
    monkeypatch: pytest.MonkeyPatch, event: int, sent: list[int]
) -> None:
    received: list[int] = []

    def receive(process: int, number: int) -> None:
        received.append(number)

    monkeypatch.setattr(select, "poll", lambda: Poll(event))
    monkeypatch.setattr(os, "kill", receive)
    guard = TerminalGuard(received.append)
    guard._previous = {signal.SIGHUP: signal.SIG_DFL}  # as between enter and exit
    guard._watch()
    assert received == sent
