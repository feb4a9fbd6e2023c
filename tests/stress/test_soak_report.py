"""A soak is judged by what it promises, and its slopes are those of the numbers."""

from dataclasses import replace

import pytest

from tests.stress.soak import Memory
from tests.stress.soak_report import Outcome, defects, quarters, report
from tui_charrnn.runs.verification import EventFacts

WELL = Outcome(
    seconds=60.0,
    batches_per_second=1_000.0,
    events=EventFacts(records=60_010, starts=1, last_step=60_000, has_ended=True),
    megabytes=8.5,
    sent=10,
    answered=12,
    bytes_drawn=5_000,
    both_lived=True,
    trainer=([500.0, 500.5], 0.5),
    app=([90.0, 91.0], 1.0),
)


def test_a_good_soak_has_no_defect_and_says_its_slopes(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(WELL) == 0
    told = capsys.readouterr().out
    assert "60,000 batches, 1,000 a second" in told
    assert "slope +0.5 MB an hour" in told
    assert "no record is lost" in told


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (replace(WELL, events=EventFacts(last_step=9, missing=[(3, 4)])), "steps without a record"),
        (replace(WELL, events=EventFacts(last_step=9, repeated=2)), "several records: 2"),
        (replace(WELL, events=EventFacts(last_step=9, unreadable=1)), "no records: 1"),
        (replace(WELL, events=EventFacts(problem="gone")), "gone"),
        (replace(WELL, answered=9), "without an answer: 1"),
        (replace(WELL, megabytes=151.0), "heavier than 150 MB"),
        (replace(WELL, both_lived=False), "died"),
    ],
)
def test_every_broken_promise_is_told(
    outcome: Outcome, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [defect for defect in defects(outcome) if words in defect]
    assert report(outcome) == 1
    assert words in capsys.readouterr().out


def test_the_course_of_memory_is_told_by_quarters() -> None:
    assert quarters([float(number) for number in range(9)]) == [0, 2, 4, 6, 8]
    assert quarters([5.0]) == [5] * 5
    assert quarters([]) == []


def test_more_batches_may_weigh_more() -> None:
    longer = replace(WELL, megabytes=290.0, events=EventFacts(last_step=2_000_000))
    assert list(defects(longer)) == []


def test_a_slope_is_that_of_the_second_half() -> None:
    memory = Memory(0)
    for number in range(20):
        memory.seconds.append(number * 36.0)
        memory.megabytes.append(50.0 if number < 10 else 60.0 + 0.5 * number)
    assert memory.slope == pytest.approx(50.0)
    assert Memory(0).slope == 0.0
