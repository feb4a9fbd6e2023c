"""A committed run of format 1, written in 2026, can always be opened. Never regenerate it."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.support.record_reading import read_new
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.runs.catalogue import list_runs
from tui_charrnn.runs.checkpoints import best_or_newest, newest_valid
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import Liveness
from tui_charrnn.runs.reader import RunReader, read_description, read_status
from tui_charrnn.runs.records import (
    KINDS,
    BatchSizeChosen,
    BatchTrained,
    DynamicallyEvaluated,
    LearningRateChanged,
    MemoryMeasured,
    ModelCalibrated,
    PathChosen,
    RunEnded,
    RunExtended,
    RunPreempted,
    RunReplanned,
    RunRolledBack,
    RunWarned,
    SampleTaken,
    StoppedEarly,
)
from tui_charrnn.runs.writer import RunWriter

GOLDEN = RunDirectory(Path(__file__).parents[1] / "data" / "golden-run-1")
ADDED_LATER = {
    BatchSizeChosen,
    DynamicallyEvaluated,
    LearningRateChanged,
    MemoryMeasured,
    ModelCalibrated,
    PathChosen,
    RunExtended,
    RunPreempted,
    RunReplanned,
    RunRolledBack,
    SampleTaken,
    StoppedEarly,
}


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    """Return a copy of the run, as from another machine."""
    return RunDirectory(shutil.copytree(GOLDEN.path, tmp_path / "golden-run-1"))


def test_its_description_is_read(run: RunDirectory) -> None:
    description = read_description(run)
    assert description.model.hidden_size == 5
    assert description.training.steps == 100
    assert description.corpus.sources == ("/home/ada/texts/hamlet.txt",)
    assert description.vocabulary == "\n ,.:abcefhinoqrstu\u00e9\u2028\U0001f600"
    assert description.versions["tensorflow"] == "2.21.0"


def test_its_status_is_read(run: RunDirectory) -> None:
    status = read_status(run)
    assert status is not None
    assert (status.state, status.step, status.beat) == (RunState.STOPPED, 7, 12)
    assert Liveness().judge(status) == "ended"


def test_its_records_are_read_and_every_kind_of_its_time_is_among_them(run: RunDirectory) -> None:
    reader = RunReader(run)
    records = read_new(reader)
    assert {type(record) for record in records} == set(KINDS.values()) - ADDED_LATER
    assert [record.step for record in records if isinstance(record, BatchTrained)] == [
        *(1, 2, 3, 4, 5, 6, 7),
        *(6, 7),  # after it resumed from 5
    ]
    assert RunWarned("The graphics card is \u2028 warm.") in records
    assert records[-1] == RunEnded("stopped", 7, 2.4, 5, 0, 0.7)
    assert reader.unreadable == 1  # the line that a killed trainer left torn
    assert reader.behind == 40  # the half last line


def test_its_checkpoint_is_whole_and_its_model_loads(run: RunDirectory) -> None:
    checkpoint = newest_valid(run)
    assert checkpoint is not None
    assert checkpoint == best_or_newest(run) == run.checkpoint(5)
    model = load_model(checkpoint.model)
    assert model.vocabulary.characters == read_description(run).vocabulary
    assert model.training["step"] == 5
    np.testing.assert_allclose(model.weights.embedding.sum(), -3.2782680988311768, rtol=1e-6)


def test_it_is_listed(run: RunDirectory) -> None:
    (summary,) = list_runs(run.path.parent)
    assert (summary.run.name, summary.best_loss, summary.problem) == ("golden-run-1", 2.4, None)


def test_it_can_be_taken_up_again(run: RunDirectory) -> None:
    with RunWriter(run, heartbeat=3600.0) as writer:
        writer.append(RunWarned("new"))
        assert writer.status.beat == 13
    reader = RunReader(run)
    assert read_new(reader)[-1] == RunWarned("new")
    assert reader.unreadable == 2  # the half line has become a torn one
