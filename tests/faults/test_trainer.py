"""A trainer on a disk on which any one operation fails loses nothing but the time since it saved.

Each case trains, or resumes, a run with the real worker, session, writer and checkpoints around an
engine in NumPy. The N-th operation fails, once or from there on. Then the disk is well again: the
run must open, and go on to what the undisturbed one became, to the bit.
"""

import errno
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from tests.support.faulty_disk import NO_MEMORY, SHORT, FaultyDisk, in_place
from tests.support.numpy_trainer import numpy_training
from tests.support.small_run import weights_of
from tests.support.survival import (
    Series,
    assert_ends_as,
    assert_opens,
    series_of,
    small_run,
    train,
)
from tui_charrnn.errors import CharRNNError, ExitCode
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.training.interruption import Interruption, Reason
from tui_charrnn.training.worker import run_training

CODES: Final = {
    "full": errno.ENOSPC,
    "broken": errno.EIO,
    "forbidden": errno.EACCES,
    "no-memory": NO_MEMORY,
    "short": SHORT,
}
VARIANTS: Final = [(code, lasts) for code in CODES for lasts in (False, True)]
NAMES: Final = [f"{code}-{'for-good' if lasts else 'once'}" for code, lasts in VARIANTS]
EXPECTED: Final = {ExitCode.OK, ExitCode.DATA, ExitCode.CANNOT_SAVE, ExitCode.UNEXPECTED}


@dataclass(frozen=True)
class Control:
    """The undisturbed run."""

    series: Series
    weights: dict[str, np.ndarray]
    stopped: RunDirectory
    """One that was left after the fifth step."""


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    folder = tmp_path_factory.mktemp("control")
    with numpy_training():
        whole = small_run(folder / "whole")
        assert train(whole) is ExitCode.OK
        stopped = small_run(folder / "stopped")
        interruption = LeavesAt(stopped, 5)
        assert run_training(stopped, interruption) is ExitCode.RESUME_ME
        yield Control(series_of(whole), weights_of(whole), stopped)


class LeavesAt(Interruption):
    """Comes up once a step is recorded."""

    def __init__(self, run: RunDirectory, step: int) -> None:
        super().__init__()
        self._run, self._step = run, step

    def check(self) -> Reason | None:
        if ("batch", self._step) in series_of(self._run):
            self.request(Reason.SIGTERM)
        return super().check()


def places(variant: int, request: pytest.FixtureRequest) -> Iterator[int]:
    """Which operations fail: of all variants together every fourth, or with --stress all."""
    is_thorough = request.config.getoption("--stress")
    return count(1) if is_thorough else count(1 + 4 * variant, 4 * len(NAMES))


def go_through(
    make: Callable[[int], RunDirectory], numbers: Iterator[int], variant: int, control: Control
) -> int:
    """Train once for each place of the fault; return how many there were."""
    code, is_persistent = VARIANTS[variant]
    for cases, number in enumerate(numbers):
        run = make(number)
        disk = FaultyDisk(number, code=CODES[code], is_persistent=is_persistent)
        with in_place(disk):
            try:
                outcome = train(run)
            except CharRNNError as error:
                outcome = error.exit_code
        if not disk.was_reached:
            assert outcome is ExitCode.OK
            return cases
        assert outcome in EXPECTED, f"operation {number}"
        # nothing but a lack of memory is unexpected
        assert outcome is not ExitCode.UNEXPECTED or code == "no-memory", f"operation {number}"
        assert_opens(run)
        assert_ends_as(run, control.series, control.weights)
        shutil.rmtree(run.path)
    raise AssertionError("unreachable")


@pytest.mark.parametrize("variant", range(len(NAMES)), ids=NAMES)
def test_a_training_survives_a_fault_anywhere(
    tmp_path: Path, control: Control, request: pytest.FixtureRequest, variant: int
) -> None:
    cases = go_through(
        lambda number: small_run(tmp_path, name=f"run-{number}"),
        places(variant, request),
        variant,
        control,
    )
    assert cases > 8


@pytest.mark.parametrize("variant", range(len(NAMES)), ids=NAMES)
def test_a_resume_survives_a_fault_anywhere(
    tmp_path: Path, control: Control, request: pytest.FixtureRequest, variant: int
) -> None:
    def copied(number: int) -> RunDirectory:
        path = tmp_path / f"run-{number}"
        shutil.copytree(control.stopped.path, path)
        return RunDirectory(path)

    assert go_through(copied, places(variant, request), variant, control) > 3
