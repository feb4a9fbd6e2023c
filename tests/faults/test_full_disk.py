"""A full disk stops no training: it is told, saving is tried again, and all is well by itself."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.faulty_disk import in_place
from tests.support.full_disk import FullDisk, after_batches
from tests.support.numpy_trainer import TRAINING, numpy_training
from tests.support.record_reading import read_new
from tests.support.survival import Series, assert_opens, series_of, small_run, train
from tui_charrnn.errors import ExitCode
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader, read_status
from tui_charrnn.runs.records import CheckpointSaved, RunWarned
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.interruption import Interruption
from tui_charrnn.training.saving import pause_after
from tui_charrnn.training.worker import run_training

LONGER = replace(TRAINING, steps=24)


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Series:
    with numpy_training():
        run = small_run(tmp_path_factory.mktemp("control"), LONGER)
        assert train(run) is ExitCode.OK
    return series_of(run)


@pytest.fixture
def disk() -> Iterator[FullDisk]:
    disk = FullDisk()
    with numpy_training(), in_place(disk):
        yield disk


def told(run: RunDirectory) -> RunStatus:
    status = read_status(run)
    assert status is not None
    return status


def saved_steps(run: RunDirectory) -> list[int]:
    records = read_new(RunReader(run))
    return [record.step for record in records if isinstance(record, CheckpointSaved)]


def test_training_goes_on_and_is_saved_once_there_is_room(
    tmp_path: Path, disk: FullDisk, control: Series
) -> None:
    run, degraded, steps = small_run(tmp_path, LONGER), dict[int, str](), dict[int, int]()

    def fill(step: int) -> None:
        degraded[step] = told(run).degraded
        steps[step] = assert_opens(run)
        disk.is_full = 6 <= step < 16

    with after_batches(fill):
        assert train(run) is ExitCode.OK
    before = steps[6]
    assert 0 < before <= 6
    assert degraded[6] == ""
    assert [degraded[step] for step in range(11, 17)] == [
        f"disk full, last saved step {before}"
    ] * 6
    assert [steps[step] for step in range(6, 17)] == [before] * 11  # what was saved stays good
    assert degraded[24] == ""
    assert told(run).degraded == ""
    assert told(run).state is RunState.FINISHED
    assert min(step for step in saved_steps(run) if step > before) < 24
    assert series_of(run) == control  # no record was lost either


def test_it_is_warned_of_once(tmp_path: Path, disk: FullDisk) -> None:
    run = small_run(tmp_path, LONGER)

    def fill(step: int) -> None:
        disk.is_full = 6 <= step < 20

    with after_batches(fill):
        train(run)
    warned = [each for each in read_new(RunReader(run)) if isinstance(each, RunWarned)]
    assert len(warned) == 1
    assert "no space left" in warned[0].message
    assert "Make room" in warned[0].message


class MakesRoom(Interruption):
    """Frees the disk while the trainer sleeps for the third time."""

    def __init__(self, disk: FullDisk) -> None:
        super().__init__()
        self._disk, self.sleeps = disk, 0

    def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        if self.sleeps == 3:
            self._disk.is_full = False


def test_whoever_is_done_waits_for_room(tmp_path: Path, control: Series) -> None:
    disk = FullDisk()
    with numpy_training(patience=1000.0), in_place(disk):
        run, interruption = small_run(tmp_path, LONGER), MakesRoom(disk)

        def fill(step: int) -> None:
            disk.is_full = disk.is_full or step == 20

        with after_batches(fill):
            assert run_training(run, interruption) is ExitCode.OK
    assert interruption.sleeps >= 3
    assert saved_steps(run)[-1] == 24
    assert series_of(run) == control


def test_whoever_waits_for_room_says_how_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, told_words = FullDisk(), list[str]()
    report = RunWriter.report_unsaved

    def note(self: RunWriter, words: str) -> None:
        if words not in told_words:
            told_words.append(words)
        report(self, words)

    monkeypatch.setattr(RunWriter, "report_unsaved", note)
    with numpy_training(patience=300.0), in_place(disk):
        run = small_run(tmp_path, LONGER)

        def fill(step: int) -> None:
            disk.is_full = disk.is_full or step == 20

        with after_batches(fill):
            assert train(run) is ExitCode.CANNOT_SAVE
    waiting = [words for words in told_words if "all steps are done" in words]
    assert len(waiting) >= 3
    assert waiting[0].startswith("disk full, last saved step ")
    minutes = [int(words.split()[-2]) for words in waiting]
    assert minutes == sorted(minutes, reverse=True)
    assert minutes[0] == 5


def test_whoever_waited_in_vain_says_so_and_can_be_resumed(
    tmp_path: Path, disk: FullDisk, control: Series
) -> None:
    run = small_run(tmp_path, LONGER)

    def fill(step: int) -> None:
        disk.is_full = step >= 6

    with after_batches(fill):
        assert train(run) is ExitCode.CANNOT_SAVE
    status = told(run)
    assert status.state is RunState.FAILED
    assert "no space left" in status.message
    assert status.cause == "disk"
    assert status.degraded.startswith("disk full, last saved step ")
    disk.is_full = False
    assert 0 < assert_opens(run) <= 6
    assert train(run) is ExitCode.OK
    assert {key: series_of(run)[key] for key in control} == control


def test_the_room_for_the_status_is_given_back(tmp_path: Path, disk: FullDisk) -> None:
    run = small_run(tmp_path, LONGER)
    beside = run.path / ".state.json.partial"

    def look(step: int) -> None:
        assert beside.exists()

    with after_batches(look):
        train(run)
    assert not beside.exists()


def test_pauses_grow_up_to_a_limit() -> None:
    seconds = [pause_after(refusals, took=0.1, longest=30.0) for refusals in range(1, 7)]
    assert seconds == [2, 4, 8, 16, 30, 30]
    assert pause_after(10_000, took=0.1, longest=30.0) == 30


def test_attempts_that_take_long_are_rare() -> None:
    assert pause_after(1, took=60.0, longest=30.0) == 600
