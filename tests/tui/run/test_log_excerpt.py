"""The end of a log, read in a thread."""

import os
import queue
import threading
from pathlib import Path

import pytest
from textual.message import Message

from tests.support.command import PATIENCE, wait_for
from tests.support.fake_run import created_run
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.messages import RunChanged
from tui_charrnn.tui.run import failure_card
from tui_charrnn.tui.run.failure_card import OLD_AFTER, LogExcerpt


class Reader:
    """A log excerpt that announces to a queue."""

    def __init__(self) -> None:
        self.messages: queue.Queue[Message] = queue.Queue()
        self.excerpt = LogExcerpt(self.messages.put)

    def after_message(self, run: RunDirectory, trouble: str = "lost") -> tuple[str, ...]:
        """Return the lines after the next announcement."""
        assert isinstance(self.messages.get(timeout=PATIENCE), RunChanged)
        return self.excerpt.of(run, trouble)


@pytest.fixture(autouse=True)
def one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failure_card, "LOOKS", (0.0,))


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return created_run(tmp_path)


def test_the_excerpt_is_sent_later_without_waiting(run: RunDirectory) -> None:
    run.log.write_text("one\nKilled", encoding="utf-8")
    reader = Reader()
    assert reader.excerpt.of(run, "lost") == ()
    assert reader.after_message(run) == ("one", "Killed")


def test_a_line_written_a_moment_later_is_sent_too(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_written = threading.Event()
    monkeypatch.setattr(BackgroundTask, "wait", lambda _, seconds: is_written.wait(seconds))
    run.log.write_text("one\n", encoding="utf-8")
    monkeypatch.setattr(failure_card, "LOOKS", (0.0, PATIENCE))
    reader = Reader()
    reader.excerpt.of(run, "lost")
    assert reader.after_message(run) == ("one",)
    run.log.write_text("one\nTraceback\n", encoding="utf-8")
    is_written.set()
    assert reader.after_message(run) == ("one", "Traceback")


def test_the_same_trouble_is_read_anew_after_a_while_only(run: RunDirectory) -> None:
    run.log.write_text("one\n", encoding="utf-8")
    reader = Reader()
    reader.excerpt.of(run, "lost")
    assert reader.after_message(run) == ("one",)
    wait_for("the end of reading", lambda: not reader.excerpt.is_reading)
    run.log.write_text("two\n", encoding="utf-8")
    assert reader.excerpt.of(run, "lost") == ("one",)
    assert not reader.excerpt.is_reading
    reader.excerpt.asked_at -= OLD_AFTER
    assert reader.excerpt.of(run, "lost") == ("one",)
    assert reader.after_message(run) == ("two",)


def test_another_problem_gets_a_new_excerpt(run: RunDirectory) -> None:
    run.log.write_text("one\n", encoding="utf-8")
    reader = Reader()
    reader.excerpt.of(run, "silent")
    assert reader.after_message(run, "silent") == ("one",)
    run.log.write_text("two\n", encoding="utf-8")
    assert reader.excerpt.of(run, "lost") == ()
    assert reader.after_message(run, "lost") == ("two",)


def test_an_unreadable_log_is_reported(run: RunDirectory) -> None:
    os.mkfifo(run.log)
    reader = Reader()
    reader.excerpt.of(run, "lost")
    (line,) = reader.after_message(run)
    assert line.endswith("is not a file.")
