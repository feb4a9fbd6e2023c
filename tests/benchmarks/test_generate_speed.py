"""The tables of `benchmarks.generate_speed`, and its contenders' streams."""

import argparse
import sys

import pytest

from benchmarks import generate_speed
from benchmarks.generate_speed import SizeRates, rates_report, starts_report, tape_report
from benchmarks.generation.ours import open_stream
from benchmarks.generation.starting import seconds_to_output
from benchmarks.generation.task import VOCABULARY_SIZE, Task
from tui_charrnn.errors import ConfigError, RunError


def test_ratios_are_medians_of_single_rounds() -> None:
    rates = SizeRates(256, {"ours": [100.0, 50.0, 90.0], "keras": [2.0, 0.5, 1.0]})

    assert rates.ratio("keras") == 90.0
    assert rates.ratio("torch") is None


def test_what_does_not_reach_its_bar_is_said_to_be_missed() -> None:
    report = rates_report([
        SizeRates(
            256,
            {
                "ours": [100.0],
                "int8": [170.0],
                "keras": [2.0],
                "torch": [25.0],
                "reading": [150.0],
            },
        )
    ])

    assert [cell.strip() for cell in report.splitlines()[-1].split("|")[1:-1]] == [
        "256",
        "50.00 met",
        "4.00 missed",
        "0.67 met",
        "1.70 missed",
    ]


@pytest.mark.parametrize(("ours", "verdicts"), [(0.4, ["met", "missed"]), (0.2, ["met", "met"])])
def test_a_start_is_held_against_seconds_and_against_numpy(
    ours: float, verdicts: list[str]
) -> None:
    lines = starts_report([ours, ours], [0.1, 0.1]).splitlines()

    assert [line.split("|")[-2].strip() for line in (lines[2], lines[4])] == verdicts


@pytest.mark.parametrize(("grown", "verdict"), [(299.0, "met"), (301.0, "missed")])
def test_a_tape_is_held_against_its_memory(grown: float, verdict: str) -> None:
    tape = {"characters": 10, "grown": grown, "resident": 400, "seconds": 2.0, "look_back": 0.01}

    lines = tape_report(tape).splitlines()

    assert lines[2].split("|")[-2].strip() == verdict
    assert lines[4].split("|")[2].strip() == "5"


def test_int8_without_its_library_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate_speed, "load_library", lambda: None)
    options = argparse.Namespace(contenders="ours,int8", rounds=1, torch_python=None)

    with pytest.raises(ConfigError, match="Install the extra `fast`"):
        generate_speed.compare(options)


def test_the_first_byte_of_a_process_is_what_counts() -> None:
    slow = "import sys, time; print(1, flush=True); time.sleep(600)"

    assert 0 < seconds_to_output([sys.executable, "-c", slow]) < 300
    with pytest.raises(RunError, match="Nothing was written"):
        seconds_to_output([sys.executable, "-c", "pass"])


def test_our_contender_speaks_with_the_vocabulary_that_all_have() -> None:
    stream = open_stream(Task.from_json(Task(8).to_json()))

    assert len(stream.logits) == VOCABULARY_SIZE
    assert len({stream.next().index for _ in range(200)}) > 20
