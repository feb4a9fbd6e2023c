"""Runs that are paused while they are trained in this process.

pause_at(monkeypatch, run, 5)
with once_paused(run, lambda: send_request(run, "resume")):
    train(run)
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.support.command import wait_for
from tests.support.small_run import before_batches
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_status


@contextmanager
def once_paused(run: RunDirectory, act: Callable[[], object]) -> Iterator[None]:
    """Call something in a thread as soon as the state of the run is paused."""

    def watch() -> None:
        try:
            wait_for("the run is paused", lambda: is_paused(run))
            act()
        except BaseException:
            send_request(run, "stop")
            raise

    with ThreadPoolExecutor(1) as thread:
        watching = thread.submit(watch)
        yield
        watching.result()


def is_paused(run: RunDirectory) -> bool:
    status = read_status(run)
    return status is not None and status.state is RunState.PAUSED


def pause_at(monkeypatch: pytest.MonkeyPatch, run: RunDirectory, step: int) -> None:
    """Ask for a pause while a step is trained."""

    def ask(at: int) -> None:
        if at == step:
            send_request(run, "pause")

    before_batches(monkeypatch, ask)
