"""The long run that is looked at, and the tables of what that took."""

from pathlib import Path

import pytest

from benchmarks.app import attaching_report, frames_report
from benchmarks.costs.attaching import Attached
from benchmarks.costs.frames import measure_frames
from benchmarks.costs.long_run import write_long_run
from tests.support.viewed_run import viewed


def test_a_long_run_is_a_run_that_has_ended_with_all_of_its_batches(tmp_path: Path) -> None:
    view = viewed(write_long_run(tmp_path, 1_200))
    assert (view.batches, view.step, len(view.evaluations)) == (1_200, 1_200, 200)
    assert not view.is_live
    assert view.ended is not None


def test_what_is_beyond_its_bar_is_said_to_be_missed() -> None:
    starts = [Attached(0.6, 4.0, 2.0, 100.0, 120.0), Attached(0.4, 9.0, 2.1, 160.0, 170.0)]
    starts.append(Attached(0.7, 3.0, 2.2, 110.0, 120.0))
    table = attaching_report(starts).splitlines()
    assert [line.split("|")[2].strip() for line in table[2:]] == [
        "0.60",
        "4.00",
        "2.10",
        "110",
        "120",
    ]
    assert [line.split("|")[4].strip() for line in table[2:]] == ["missed", "met", "", "met", ""]


@pytest.mark.parametrize(("long", "verdict"), [(0.010, "met"), (0.020, "missed")])
def test_a_frame_that_costs_more_of_a_long_run_is_missed(long: float, verdict: str) -> None:
    table = frames_report({"whole run": {1_000: [0.009, 0.010], 5_000: [long, long]}})
    assert table.splitlines()[-1].rstrip(" |").endswith(verdict)


def test_frames_are_drawn_of_every_length_and_span() -> None:
    frames = measure_frames([100, 300], 2)
    assert [list(seconds) for seconds in frames.values()] == [[100, 300]] * 2
    assert all(len(times) == 2 for seconds in frames.values() for times in seconds.values())
