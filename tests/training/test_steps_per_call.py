"""The number of steps per call."""

from tui_charrnn.training.loop import CALL_TIME, adapted_steps


def after(limit: int, *seconds_per_step: float) -> list[int]:
    """Return the length of each call, including the next, for steps of this duration."""
    lengths = [1]
    for seconds in seconds_per_step:
        lengths.append(adapted_steps(lengths[-1], seconds, limit))
    return lengths


def test_calls_grow_to_the_limit_where_steps_are_short() -> None:
    assert after(12, *[CALL_TIME / 1000] * 6) == [1, 2, 4, 8, 12, 12, 12]


def test_they_grow_only_as_far_as_the_time_goes() -> None:
    assert after(32, *[CALL_TIME / 5] * 5) == [1, 2, 4, 4, 4, 4]


def test_they_shrink_where_steps_become_slow() -> None:
    assert after(32, *[CALL_TIME / 100] * 3, *[CALL_TIME] * 4) == [1, 2, 4, 8, 4, 2, 1, 1]


def test_a_slow_call_alone_only_halves_them() -> None:
    assert after(8, 0.0, 0.0, 0.0, 3.0)[-1] == 4


def test_one_step_a_call_stays_one() -> None:
    assert after(1, 0.0, 9.0, 0.0) == [1, 1, 1, 1]
