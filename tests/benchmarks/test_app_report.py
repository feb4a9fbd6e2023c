"""The long run that is looked at, and the tables of what that took."""

from pathlib import Path

import pytest

from benchmarks.app_report import (
    attaching_report,
    frames_report,
    idling_report,
    keys_report,
    quantile,
    starting_report,
    streaming_report,
    xray_report,
)
from benchmarks.costs.attaching import Attached
from benchmarks.costs.frames import measure_frames
from benchmarks.costs.long_run import write_long_run
from benchmarks.costs.starting import Starts, has_answer
from benchmarks.costs.streaming import Streamed
from benchmarks.costs.xray import Xrayed
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


def test_starts_are_judged_by_the_ratios_of_single_rounds() -> None:
    starts = Starts([0.1, 0.2, 0.1], [0.14, 0.29, 0.3], [0.25, 0.3, 0.19])
    verdicts = [line.split("|")[4].strip() for line in starting_report(starts).splitlines()[2:]]
    assert verdicts == ["", "", "", "met", "met"]
    starts.first_frame[1] = 0.4
    assert "missed" in starting_report(starts)


def test_one_key_in_a_hundred_may_take_longer() -> None:
    assert quantile([float(number) for number in range(100, 0, -1)], 0.99) == 99.0
    assert quantile([3.0], 0.99) == 3.0
    assert "missed" not in keys_report([[0.010] * 99 + [0.900]])
    assert "missed" in keys_report([[0.010] * 98 + [0.900] * 2])


@pytest.mark.parametrize(("share", "verdict"), [(0.009, "met"), (0.011, "missed")])
def test_an_idle_app_is_judged_by_its_share_of_a_core(share: float, verdict: str) -> None:
    assert idling_report([share]).rstrip(" |").endswith(verdict)


@pytest.mark.parametrize(
    ("text", "is_answer"),
    [("ROMEO:", False), ("ROMEO:A", True), ("ROMEO:\n│ A │", True), ("", False)],
)
def test_an_answer_is_what_stands_behind_the_seed(text: str, is_answer: bool) -> None:
    screen = f"title ROMEO:\n╭─ model ─╮\n│ {text} │\n╰─────╯\n╭─ Seed ─╮\n│ how it begins │\n╰──╯"
    assert has_answer(screen) is is_answer


def test_a_coloring_is_held_against_the_text_before_and_after_it() -> None:
    looks = [
        Xrayed("surprise", (100.0, 50.0), (75.0, 30.0), (200.0, 100.0)),
        Xrayed("surprise", (100.0, 50.0), (90.0, 45.0), (100.0, 50.0)),
        Xrayed("surprise", (100.0, 50.0), (20.0, 45.0), (100.0, 50.0)),
        Xrayed("gate", (100.0, 50.0), (49.0, 45.0), (100.0, 50.0)),
    ]
    lines = xray_report(looks).splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:6]] for line in lines[2:4]]
    assert cells[0] == ["surprise", "0.50", "0.20 to 0.90", "met", "0.90"]
    assert cells[1] == ["gate", "0.49", "0.49 to 0.49", "missed", "0.90"]
    assert lines[-1].endswith("100 (100 to 200).")


def test_the_network_is_told_apart_from_all_that_the_app_does() -> None:
    look = Streamed(worst_lag=0.012, processor=0.45, drawing=0.08, rate=2_000.0, network=0.33)
    rows = [line.split("|")[1:] for line in streaming_report([look]).splitlines()[2:]]
    assert [(row[1].strip(), row[3].strip()) for row in rows] == [
        ("2,000", ""),
        ("12", "met"),
        ("45.0", "missed"),
        ("33.0", ""),
        ("12.0", ""),
        ("8.0", ""),
    ]
