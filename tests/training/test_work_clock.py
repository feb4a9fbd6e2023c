"""Time that is spent on a run."""

import pytest

from tui_charrnn.training.work_clock import WorkClock


class Time:
    """A clock that tests set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_stands_still_while_it_is_stopped_and_goes_on_from_there() -> None:
    time = Time()
    clock = WorkClock(time)
    began = clock.now()
    with clock.stopped():
        time.now += 50.0
        assert clock.now() == began
    assert clock.now() == began
    time.now += 2.0
    assert clock.now() == began + 2.0


def test_what_goes_wrong_while_it_is_stopped_does_not_keep_it_so() -> None:
    time = Time()
    clock = WorkClock(time)
    began = clock.now()
    with pytest.raises(KeyboardInterrupt):
        interrupt(clock, time)
    time.now += 1.0
    assert clock.now() == began + 1.0


def interrupt(clock: WorkClock, time: Time) -> None:
    with clock.stopped():
        time.now += 50.0
        raise KeyboardInterrupt
