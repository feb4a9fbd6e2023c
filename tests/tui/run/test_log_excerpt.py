"""The end of a log, read beside the screen."""

import os
import queue
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from textual.message import Message

from tests.support.command import PATIENCE
from tests.support.fake_run import created_run
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.tui.messages import RunChanged
from tui_charrnn.tui.run import failure_card
from tui_charrnn.tui.run.failure_card import OLD_AFTER, LogExcerpt


class Reader:
    """Last words that are told to a queue, by a clock that a test moves."""

    def __init__(self, *looks: float) -> None:
        self.now = 0.0
        self.told: queue.Queue[Message] = queue.Queue()
        self.words = LogExcerpt(self.told.put, looks=looks or (0.0,), clock=lambda: self.now)

    def after_telling(self, run: RunDirectory, trouble: str = "lost") -> tuple[str, ...]:
        """What is known once something was told."""
        assert isinstance(self.told.get(timeout=PATIENCE), RunChanged)
        return self.words.of(run, trouble)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return created_run(tmp_path)


def test_nothing_is_waited_for_and_what_was_read_is_told(run: RunDirectory) -> None:
    run.log.write_text("one\nKilled", encoding="utf-8")
    reader = Reader()
    assert reader.words.of(run, "lost") == ()
    assert reader.after_telling(run) == ("one", "Killed")


def test_a_line_that_comes_a_moment_later_is_told_too(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_written = threading.Event()
    monkeypatch.setattr(failure_card, "time", SimpleNamespace(sleep=is_written.wait))
    run.log.write_text("one\n", encoding="utf-8")
    reader = Reader(0.0, PATIENCE)
    reader.words.of(run, "lost")
    assert reader.after_telling(run) == ("one",)
    run.log.write_text("one\nTraceback\n", encoding="utf-8")
    is_written.set()
    assert reader.after_telling(run) == ("one", "Traceback")


def test_the_same_trouble_is_read_anew_after_a_while_only(run: RunDirectory) -> None:
    run.log.write_text("one\n", encoding="utf-8")
    reader = Reader()
    reader.words.of(run, "lost")
    assert reader.after_telling(run) == ("one",)
    assert reader.words._reader is not None
    reader.words._reader.join(PATIENCE)
    run.log.write_text("two\n", encoding="utf-8")
    reader.now = OLD_AFTER / 2
    assert reader.words.of(run, "lost") == ("one",)
    assert not reader.words._reader.is_alive()
    reader.now = OLD_AFTER
    assert reader.words.of(run, "lost") == ("one",)
    assert reader.after_telling(run) == ("two",)


def test_another_trouble_has_words_of_its_own(run: RunDirectory) -> None:
    run.log.write_text("one\n", encoding="utf-8")
    reader = Reader()
    reader.words.of(run, "silent")
    assert reader.after_telling(run, "silent") == ("one",)
    run.log.write_text("two\n", encoding="utf-8")
    assert reader.words.of(run, "lost") == ()
    assert reader.after_telling(run, "lost") == ("two",)


def test_a_log_that_cannot_be_read_says_so(run: RunDirectory) -> None:
    os.mkfifo(run.log)
    reader = Reader()
    reader.words.of(run, "lost")
    (line,) = reader.after_telling(run)
    assert line.endswith("is not a file.")
