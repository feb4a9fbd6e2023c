"""A trainer that dies, or whose machine loses its power, between any two operations on the disk.

A crash leaves what was done so far. A loss of power leaves only what was synced, and a part of the
rest, torn (`tests.support.journaled_disk`).
"""

import os
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from tests.support.faulty_disk import CRASHED, FaultyDisk, in_place
from tests.support.journaled_disk import Entry, JournaledDisk, leave
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
from tui_charrnn.errors import ExitCode
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import CheckpointSaved, Record
from tui_charrnn.runs.writer import RunWriter


@dataclass(frozen=True)
class Control:
    """The undisturbed run, and in which order its disk was written."""

    series: Series
    weights: dict[str, np.ndarray]
    journal: list[Entry]


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    folder = tmp_path_factory.mktemp("control")
    append = RunWriter.append

    with numpy_training(), pytest.MonkeyPatch.context() as patch:
        small_run(folder, name="another")  # its text is that of the other, too, and durable
        disk = JournaledDisk(folder)

        def note_saved(self: RunWriter, record: Record) -> None:
            append(self, record)
            if isinstance(record, CheckpointSaved):
                disk.note("saved", record.step)

        patch.setattr(RunWriter, "append", note_saved)
        with in_place(disk):
            run = small_run(folder)
            disk.note("made")
            assert train(run) is ExitCode.OK
        patch.undo()
        yield Control(series_of(run), weights_of(run), disk.journal)


def died_at(run: RunDirectory, number: int) -> bool:
    """Train in a child that dies at the N-th operation; False if it came to its end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # no thread of ours is at work
        child = os.fork()
    if child == 0:
        try:
            with in_place(FaultyDisk(number, exits=True)):
                os._exit(train(run))
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in {0, CRASHED}
    return code == CRASHED


def test_a_crash_between_any_two_operations_costs_only_time(
    tmp_path: Path, control: Control, request: pytest.FixtureRequest
) -> None:
    step = 1 if request.config.getoption("--stress") else 29
    for number in count(1, step):
        run = small_run(tmp_path, name=f"run-{number}")
        if not died_at(run, number):
            break
        assert_opens(run)
        assert_ends_as(run, control.series, control.weights)
        shutil.rmtree(run.path)
    assert number > 300


def test_crash_after_crash_is_survived_too(tmp_path: Path, control: Control) -> None:
    """Also in the middle of what mends the crash before."""
    run = small_run(tmp_path)
    deaths = 0
    for number in (400, 150, 90, 200, 60, 250, 30):
        deaths += died_at(run, number)
        assert_opens(run, torn=deaths)
    assert deaths > 4
    assert_ends_as(run, control.series, control.weights)


def test_a_loss_of_power_costs_at_most_what_was_not_saved(
    tmp_path: Path, control: Control, request: pytest.FixtureRequest
) -> None:
    draws, step = (5, 1) if request.config.getoption("--stress") else (1, 11)
    first = draws * request.config.getoption("--draws")
    entries = [entry[0] for entry in control.journal]
    begin = entries.index("made")
    assert len(entries) - begin > 200
    for end in range(begin, len(entries) + 1, step):
        saved = [entry[1] for entry in control.journal[:end] if entry[0] == "saved"]
        done = [entry for entry in control.journal[:end] if entry[0] not in {"made", "saved"}]
        for draw in range(first, first + draws):
            folder = tmp_path / f"{end}-{draw}"
            leave(done, np.random.default_rng([end, draw]), folder)
            run = RunDirectory(folder / "run")
            assert assert_opens(run) >= max(saved, default=0), f"entry {end}, draw {draw}"
            assert_ends_as(run, control.series, control.weights)
            shutil.rmtree(folder)
