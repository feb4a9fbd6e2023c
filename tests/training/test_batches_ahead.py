"""Batches are prefetched, and are the requested ones."""

import threading

import pytest

from tui_charrnn.training.loop import BatchesAhead


class Kitchen:
    """Makes a batch of its step, and records the thread."""

    def __init__(self) -> None:
        self.makers: dict[int, list[str]] = {}
        self.made = threading.Condition()

    def make(self, step: int) -> str:
        with self.made:
            self.makers.setdefault(step, []).append(threading.current_thread().name)
            self.made.notify_all()
        return f"batch {step}"

    def wait_for(self, step: int) -> None:
        with self.made:
            assert self.made.wait_for(lambda: step in self.makers, timeout=60)


def test_the_next_batches_are_made_meanwhile_and_once() -> None:
    kitchen = Kitchen()
    batches = BatchesAhead(kitchen.make)
    assert batches.take(1, 2) == ["batch 1", "batch 2"]
    kitchen.wait_for(4)
    assert batches.take(3, 2) == ["batch 3", "batch 4"]
    here = threading.current_thread().name
    assert [kitchen.makers[step] == [here] for step in (1, 2, 3, 4)] == [True, True, False, False]
    assert [len(kitchen.makers[step]) for step in (1, 2, 3, 4)] == [1] * 4


@pytest.mark.parametrize(
    ("first", "count"), [(3, 1), (3, 4), (1, 2), (40, 3)], ids=["fewer", "more", "back", "far"]
)
def test_what_was_not_foreseen_is_made_when_it_is_asked_for(first: int, count: int) -> None:
    batches = BatchesAhead(Kitchen().make)
    batches.take(1, 2)
    expected = [f"batch {step}" for step in range(first, first + count)]
    assert batches.take(first, count) == expected


def test_a_failure_comes_where_the_batch_is_asked_for() -> None:
    def make(step: int) -> int:
        if step == 2:
            raise OSError("the text is gone")
        return step

    batches = BatchesAhead(make)
    assert batches.take(1, 1) == [1]
    with pytest.raises(OSError, match="gone"):
        batches.take(2, 1)
