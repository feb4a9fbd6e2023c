"""The text of a run that is no longer there, or no longer the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.numpy_trainer import numpy_training
from tests.support.record_reading import read_new
from tests.support.survival import (
    Series,
    assert_opens,
    failure_of,
    series_of,
    small_run,
    stop_at,
    train,
)
from tui_charrnn.errors import ExitCode
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader, read_description
from tui_charrnn.runs.records import RunWarned
from tui_charrnn.training.interruption import Interruption
from tui_charrnn.training.worker import run_training


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunDirectory]:
    with numpy_training():
        yield small_run(tmp_path)


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Series:
    with numpy_training():
        run = small_run(tmp_path_factory.mktemp("control"))
        assert train(run) is ExitCode.OK
    return series_of(run)


def test_a_corpus_that_has_vanished_is_named_on_resume(run: RunDirectory, control: Series) -> None:
    stop_at(run, 5)
    source = Path(read_description(run).corpus.sources[0])
    hidden = source.rename(source.with_suffix(".elsewhere"))
    assert train(run) is ExitCode.DATA
    assert str(source) in failure_of(run)
    hidden.rename(source)
    assert train(run) is ExitCode.OK
    assert series_of(run) == control


def test_a_changed_corpus_is_refused_with_both_hashes_and_harms_nothing(
    run: RunDirectory, control: Series
) -> None:
    stop_at(run, 5)
    reference = read_description(run).corpus
    source = Path(reference.sources[0])
    text = source.read_bytes()
    source.write_bytes(text.replace(b"question", b"answer"))
    assert train(run) is ExitCode.DATA
    assert f"SHA-256 {reference.sha256} then, " in failure_of(run)
    source.write_bytes(text)
    assert train(run) is ExitCode.OK
    assert series_of(run) == control


def test_whoever_insists_goes_on_with_a_changed_corpus(run: RunDirectory, control: Series) -> None:
    stop_at(run, 5)
    before = read_description(run).corpus.sha256
    source = Path(read_description(run).corpus.sources[0])
    source.write_bytes(source.read_bytes().replace(b"question", b"question to be"))
    assert run_training(run, Interruption(), accepts_change=True) is ExitCode.OK
    (warned,) = [each for each in read_new(RunReader(run)) if isinstance(each, RunWarned)]
    assert f"SHA-256 {before} so far, " in warned.message
    series = series_of(run)
    assert series.keys() == control.keys()
    assert series["batch", 2] == control["batch", 2]
    assert series["evaluated", 8] != control["evaluated", 8]


def test_new_characters_cannot_be_insisted_on(run: RunDirectory) -> None:
    stop_at(run, 5)
    source = Path(read_description(run).corpus.sources[0])
    source.write_bytes(source.read_bytes().replace(b"question", b"QUESTION"))
    assert run_training(run, Interruption(), accepts_change=True) is ExitCode.DATA
    assert assert_opens(run) == 5
