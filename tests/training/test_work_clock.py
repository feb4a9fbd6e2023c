"""Training time of a run."""

from tui_charrnn.training.context import WorkClock


class Time:
    """A clock set by tests."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_stands_still_while_it_is_stopped_and_goes_on_from_there() -> None:
    time = Time()
    clock = WorkClock(time)
    began = clock.now()
    clock.stop()
    time.now += 50.0
    assert clock.now() == began
    clock.resume()
    assert clock.now() == began
    time.now += 2.0
    assert clock.now() == began + 2.0


def test_a_clock_that_runs_is_not_set_on_twice() -> None:
    time = Time()
    clock = WorkClock(time)
    began = clock.now()
    clock.stop()
    time.now += 50.0
    clock.resume()
    clock.resume()
    time.now += 1.0
    assert clock.now() == began + 1.0
