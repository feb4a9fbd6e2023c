"""Contenders as living processes, with one that computes nothing."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.speed.processes import ContenderError, ContenderProcess
from tests.support.command import ROOT, wait_for

IDLER = """
import sys
from benchmarks.speed.contenders.serving import serve
steps = []
def step(number):
    steps.append(number)
    print("a library's chatter")
    print("steps", steps, file=sys.stderr)
    return 4.0 / number
serve(step, 4, {"versions": {"idler": "1"}})
"""


def start(code: str) -> ContenderProcess:
    return ContenderProcess("idler", [sys.executable, "-c", code], {"PYTHONPATH": str(ROOT)})


@pytest.fixture
def idler() -> Iterator[ContenderProcess]:
    with start(IDLER) as process:
        process.make_ready()
        yield process


def test_the_losses_of_the_first_steps_are_told(idler: ContenderProcess) -> None:
    assert idler.facts["losses"] == pytest.approx([4.0, 2.0, 4.0 / 3, 1.0])
    assert idler.facts["versions"] == {"idler": "1"}


def test_as_many_steps_are_timed_as_fit(idler: ContenderProcess) -> None:
    seconds_per_step = idler.facts["seconds_per_step"]
    assert idler.measure(7.2 * seconds_per_step).steps == 7
    assert idler.measure(0.1 * seconds_per_step).steps == 1


def test_steps_go_on_where_they_were(idler: ContenderProcess) -> None:
    seconds_per_step = idler.facts["seconds_per_step"]
    for _ in range(2):
        idler.measure(3 * seconds_per_step)
    log = idler._log
    log.seek(0)
    last = [line for line in log.read().splitlines() if line.startswith("steps")][-1]
    assert last == f"steps {list(range(1, 4 + 2 * (1 + 3) + 1))}"  # 4 first, then 1 cold and 3


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_it_is_stopped_whenever_it_is_not_measured(idler: ContenderProcess) -> None:
    state = Path(f"/proc/{idler._process.pid}/stat")

    def is_stopped() -> bool:
        return state.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "T"

    wait_for("it is stopped after its first steps", is_stopped)
    idler.measure(0.0)
    wait_for("it is stopped after a measurement", is_stopped)


def test_a_stopped_process_is_ended_with_the_context() -> None:
    with start(IDLER) as process:
        process.make_ready()
    assert process._process.returncode is not None


def test_a_failure_is_told_with_what_was_printed() -> None:
    with (
        start("raise SystemExit('no such library')") as process,
        pytest.raises(ContenderError, match=r"idler failed(.|\n)*no such library"),
    ):
        process.make_ready()


def test_a_missing_interpreter_is_named() -> None:
    with pytest.raises(ContenderError, match="/nowhere/python cannot be started"):
        ContenderProcess("torch", ["/nowhere/python"])
