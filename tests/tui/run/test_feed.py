"""The updates of a feed of a run directory, without a screen."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import PATIENCE
from tests.support.fake_run import FakeTrainer, created_run, fake_run
from tui_charrnn.errors import RunError
from tui_charrnn.runs.description import RunDescription
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import BatchStretch
from tui_charrnn.tui.background import Poller
from tui_charrnn.tui.run.follower import RunFeed, RunUpdate


class Listener:
    """Handles updates as the screen does, and lets a test wait for them."""

    def __init__(self, run: RunDirectory) -> None:
        self.updates: list[object] = []
        self._received = threading.Condition()
        poll = RunFeed(run).poll
        self.feed = Poller("run-feed", poll, lambda call, *given: call(*given), self._receive)

    def _receive(self, message: object) -> None:
        with self._received:
            self.updates.append(message)
            self._received.notify_all()

    @property
    def steps(self) -> list[int]:
        """Return the steps of all batches received so far."""
        read = [message for message in self.updates if isinstance(message, RunUpdate)]
        return [
            step
            for message in read
            for record in message.records
            if isinstance(record, BatchStretch)
            for step in record.steps
        ]

    def wait_for_steps(self, steps: list[int]) -> None:
        with self._received:
            assert self._received.wait_for(lambda: self.steps == steps, PATIENCE), self.steps

    def wait_for_message(self, sentence: str) -> None:
        with self._received:
            assert self._received.wait_for(
                lambda: any(
                    isinstance(message, RunUpdate)
                    and message.status is not None
                    and message.status.message == sentence
                    for message in self.updates
                ),
                PATIENCE,
            )

    def wait_for_printed(self, *lines: str) -> None:
        with self._received:
            assert self._received.wait_for(lambda: lines in self.updates, PATIENCE), self.updates

    def wait_for(self, kind: type[object]) -> None:
        with self._received:
            assert self._received.wait_for(
                lambda: any(isinstance(message, kind) for message in self.updates), PATIENCE
            )


@pytest.fixture
def trainer(tmp_path: Path) -> Iterator[FakeTrainer]:
    with FakeTrainer(created_run(tmp_path)) as trainer:
        trainer.start()
        trainer.train(3.0, 2.5)
        yield trainer


@pytest.fixture
def listener(trainer: FakeTrainer) -> Iterator[Listener]:
    listener = Listener(trainer.run)
    listener.feed.start()
    yield listener
    listener.feed.stop()


def test_records_are_delivered_once_and_in_order(trainer: FakeTrainer, listener: Listener) -> None:
    listener.wait_for_steps([1, 2])
    trainer.train(2.0, 1.5)
    listener.wait_for_steps([1, 2, 3, 4])
    assert isinstance(listener.updates[0], RunDescription)


def test_what_was_there_before_is_history_and_the_rest_is_news(
    trainer: FakeTrainer, listener: Listener
) -> None:
    listener.wait_for_steps([1, 2])
    trainer.train(2.0)
    listener.wait_for_steps([1, 2, 3])
    read = [message for message in listener.updates if isinstance(message, RunUpdate)]
    assert read[0].is_history
    assert not read[-1].is_history


def test_a_half_written_line_waits_for_its_other_half(
    trainer: FakeTrainer, listener: Listener
) -> None:
    listener.wait_for_steps([1, 2])
    last = trainer.run.events.read_text(encoding="utf-8").splitlines()[-1]
    line = last.replace('"step":2', '"step":9')
    with trainer.run.events.open("a", encoding="utf-8") as events:
        events.write(line[:20])
        events.flush()
        trainer.writer.set_status(message="half a line is written")
        listener.wait_for_message("half a line is written")
        events.write(line[20:] + "\n")
    listener.wait_for_steps([1, 2, 9])


def test_a_stopped_feed_delivers_nothing_more(trainer: FakeTrainer, listener: Listener) -> None:
    listener.wait_for_steps([1, 2])
    listener.feed.stop()
    count = len(listener.updates)
    trainer.train(2.0)
    for thread in threading.enumerate():
        if thread.name == "run-feed":
            thread.join(PATIENCE)
    assert len(listener.updates) == count


def test_a_folder_that_is_no_run_is_reported(tmp_path: Path) -> None:
    listener = Listener(RunDirectory(tmp_path / "nothing"))
    listener.feed.start()
    listener.wait_for(Exception)
    listener.feed.stop()


def test_a_run_that_is_moved_away_is_reported_and_found_again(tmp_path: Path) -> None:
    run = fake_run(tmp_path, losses=[3.0, 2.0])
    listener = Listener(run)
    listener.feed.start()
    listener.wait_for_steps([1, 2])
    run.path.rename(tmp_path / "elsewhere")
    listener.wait_for(RunError)
    (tmp_path / "elsewhere").rename(run.path)
    listener.updates.clear()
    listener.wait_for(RunUpdate)  # although nothing is new: it ends the report
    listener.feed.stop()


def test_what_the_trainer_printed_is_delivered_also_its_torn_last_line(
    trainer: FakeTrainer, listener: Listener
) -> None:
    trainer.run.log.write_text("one\nKilled", encoding="utf-8")
    listener.wait_for_printed("one", "Killed")
    with trainer.run.log.open("a", encoding="utf-8") as log:
        log.write("\nTraceback\n")
    listener.wait_for_printed("one", "Killed", "Traceback")


def test_what_was_in_a_log_that_was_emptied_is_forgotten(
    trainer: FakeTrainer, listener: Listener
) -> None:
    trainer.run.log.write_text("one\ntwo\n", encoding="utf-8")
    listener.wait_for_printed("one", "two")
    trainer.run.log.write_text("", encoding="utf-8")
    listener.wait_for_printed()
    trainer.run.log.write_text("three\n", encoding="utf-8")
    listener.wait_for_printed("three")


def test_the_log_of_a_run_that_cannot_be_read_is_delivered_too(tmp_path: Path) -> None:
    run = fake_run(tmp_path)
    run.description.write_text("{", encoding="utf-8")
    run.log.write_text("one\n", encoding="utf-8")
    listener = Listener(run)
    listener.feed.start()
    listener.wait_for(RunError)
    listener.wait_for_printed("one")
    listener.feed.stop()


def test_an_unreadable_log_is_reported_once(trainer: FakeTrainer, listener: Listener) -> None:
    os.mkfifo(trainer.run.log)
    message = f"{trainer.run.log} is not a file."
    listener.wait_for_printed(message)
    trainer.train(2.0, 1.5)
    listener.wait_for_steps([1, 2, 3, 4])
    trainer.train(1.0)
    listener.wait_for_steps([1, 2, 3, 4, 5])  # a poll after the report
    assert listener.updates.count((message,)) == 1


def test_what_was_printed_in_a_run_that_was_replaced_is_forgotten(
    trainer: FakeTrainer, listener: Listener
) -> None:
    trainer.run.log.write_text("one\n", encoding="utf-8")
    listener.wait_for_printed("one")
    other = trainer.run.path / "other.jsonl"
    other.write_bytes(trainer.run.events.read_bytes().splitlines(keepends=True)[0])
    trainer.run.log.write_text("two\n", encoding="utf-8")
    other.replace(trainer.run.events)
    listener.wait_for_printed("two")


def test_an_ended_run_is_reported_as_ended(tmp_path: Path) -> None:
    listener = Listener(fake_run(tmp_path, losses=[3.0, 2.0]))
    listener.feed.start()
    listener.wait_for_steps([1, 2])
    listener.feed.stop()
    read = [message for message in listener.updates if isinstance(message, RunUpdate)]
    assert read[-1].life == "ended"
