"""Batches are timed in a separate process, for the newest settings only."""

import errno
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict

import pytest

from tests.support.command import PATIENCE
from tui_charrnn.presets import PRESETS
from tui_charrnn.training.trial_facts import Trial, TrialSettings, remember_trial
from tui_charrnn.tui.new_run import estimate
from tui_charrnn.tui.new_run.estimate import BUSY, NOT_TIMED, TIMING, TrialAnswer, TrialTimer

TRIAL = Trial(0.01, 800_000_000, "processor, 2 threads", "float32", 32)
PRINTS = f"print({json.dumps(asdict(TRIAL))!r})"
BLOCKS = "import sys; sys.stdin.read()"
FAILS = "import sys; sys.exit('There is not enough memory.')"
TINY = PRESETS["tiny"]
SETTINGS = TrialSettings(TINY.model, TINY.training, 60, 90_000)


class Bench:
    """A timer whose trial processes run one line of Python."""

    def __init__(self) -> None:
        self.program = PRINTS
        self.processes: list[subprocess.Popen[str]] = []
        self.has_started = threading.Event()
        self._answers: queue.Queue[TrialAnswer] = queue.Queue()
        self.timer = TrialTimer(lambda show: show(), self._answers.put)

    def remarks(self, count: int) -> list[str]:
        """Return the remarks of the next answers; store the trial of the last one."""
        answers = [self._answers.get(timeout=PATIENCE) for _ in range(count)]
        self.trial = answers[-1].trial
        return [answer.remark for answer in answers]

    @property
    def is_silent(self) -> bool:
        return self._answers.empty()

    def start(self, *what: object) -> "subprocess.Popen[str]":
        """Start the fake trial process."""
        if not self.program:
            raise OSError(errno.ENOMEM, "Cannot allocate memory")
        process = subprocess.Popen(
            [sys.executable, "-c", self.program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        self.has_started.set()
        return process


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    bench = Bench()
    monkeypatch.setattr(estimate, "start_task", bench.start)
    monkeypatch.setattr(estimate, "TRIAL_DELAY", 0.0)
    yield bench
    bench.timer.stop()
    for process in bench.processes:
        process.wait(timeout=PATIENCE)


def test_batches_are_timed(bench: Bench) -> None:
    bench.timer.ask(SETTINGS, is_busy=False)
    assert bench.remarks(3) == [NOT_TIMED, TIMING, ""]
    assert bench.trial == TRIAL


def test_what_was_timed_before_is_remembered(bench: Bench) -> None:
    remember_trial(TRIAL, TrialSettings(TINY.model, TINY.training, 60, 90_000))
    bench.timer.ask(SETTINGS, is_busy=False)
    assert bench.remarks(1) == [""]
    assert bench.trial == TRIAL
    bench.timer.ask(SETTINGS, is_busy=True)
    assert "longer beside" in bench.remarks(1)[0]
    assert bench.processes == []


def test_nothing_is_timed_while_a_training_runs(bench: Bench) -> None:
    bench.timer.ask(SETTINGS, is_busy=True)
    assert bench.remarks(1) == [BUSY]
    assert bench.processes == []


def test_a_failed_trial_reports_its_reason(bench: Bench) -> None:
    bench.program = FAILS
    bench.timer.ask(SETTINGS, is_busy=False)
    assert bench.remarks(3)[-1] == "could not be timed: There is not enough memory."
    bench.program = "import os; os._exit(3)"
    bench.timer.ask(SETTINGS, is_busy=False)
    assert bench.remarks(3)[-1] == "could not be timed: exit code 3"
    bench.program = ""
    bench.timer.ask(SETTINGS, is_busy=False)
    assert bench.remarks(3)[-1] == "could not be timed: Cannot allocate memory"


def test_other_settings_end_the_process(bench: Bench) -> None:
    bench.program = BLOCKS
    bench.timer.ask(SETTINGS, is_busy=False)
    assert bench.remarks(2) == [NOT_TIMED, TIMING]
    assert bench.has_started.wait(timeout=PATIENCE)
    bench.program = PRINTS
    bench.timer.ask(SETTINGS, is_busy=False)
    assert bench.remarks(3) == [NOT_TIMED, TIMING, ""]
    assert bench.processes[0].wait(timeout=PATIENCE) != 0


def test_nothing_is_reported_after_stop(bench: Bench) -> None:
    bench.program = BLOCKS
    bench.timer.ask(SETTINGS, is_busy=False)
    bench.remarks(2)
    bench.timer.stop()
    for process in bench.processes:
        assert process.wait(timeout=PATIENCE) != 0
    assert bench.is_silent


def test_without_tensorflow_nothing_is_timed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    bench.timer.ask(SETTINGS, is_busy=False)
    assert "Training needs tensorflow and keras" in bench.remarks(3)[-1]
    assert bench.processes == []
