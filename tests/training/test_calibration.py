"""A finished run calibrates its best model once, in its file, and changes nothing else."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.fake_run import FAKE_TEXT, created_run
from tests.support.numpy_trainer import MODEL, TRAINING, numpy_training
from tests.support.small_run import of_kind, records_of
from tui_charrnn.errors import ExitCode, StorageError
from tui_charrnn.generation.calibration import LEAST
from tui_charrnn.model.checkpoint import Model, load_model
from tui_charrnn.model.header import Calibration
from tui_charrnn.model.weights import tensors_from_weights
from tui_charrnn.runs.checkpoints import best_or_newest, is_whole, newest_valid
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description, read_status
from tui_charrnn.runs.records import CheckpointSaved, ModelCalibrated, RunEnded
from tui_charrnn.training import instruments
from tui_charrnn.training.interruption import Interruption
from tui_charrnn.training.worker import run_training
from tui_charrnn.viewing.run_formatting import card_rows
from tui_charrnn.viewing.run_view import RunView

TEXT = FAKE_TEXT * 26
FITTED = Calibration(1.25, 2.5, 2.25, 2_000, 2_000)


def new_run(folder: Path, text: str = TEXT) -> RunDirectory:
    training = replace(TRAINING, evaluation_characters=None, keep_checkpoints=1)
    return created_run(folder, model=MODEL, training=training, text=text)


def trained(run: RunDirectory) -> ModelCalibrated:
    with numpy_training():
        assert run_training(run, Interruption()) is ExitCode.OK
    (record,) = of_kind(run, ModelCalibrated)
    return record


def best_of(run: RunDirectory) -> Model:
    best = best_or_newest(run)
    assert best is not None
    return load_model(best.model)


def best_step(model: Model) -> int:
    step = model.training["best_validation_step"]
    assert isinstance(step, int)
    return step


def test_the_best_model_is_calibrated_on_the_held_out_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[np.ndarray] = []

    def spy(model: Model, symbols: object, units: float, *, threads: int) -> Calibration:
        seen.append(np.asarray(symbols))
        assert (model.calibration, units, threads > 0) == (None, 1.0, True)
        return FITTED

    monkeypatch.setattr(instruments, "calibrate", spy)
    run = new_run(tmp_path)
    record, model = trained(run), best_of(run)
    description = read_description(run)
    held_out = TEXT[description.corpus.training_characters :]
    assert [model.vocabulary.characters[each] for each in seen[0]] == list(held_out)
    assert model.calibration == FITTED
    assert record == ModelCalibrated(**asdict(FITTED), step=best_step(model), reason="")


def test_all_else_of_the_run_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = new_run(tmp_path)
    before: list[tuple[Model, bytes]] = []

    def spy(model: Model, *_: object, **__: object) -> Calibration:
        best = best_or_newest(run)
        assert best is not None
        before.append((model, best.training.read_bytes()))
        return FITTED

    monkeypatch.setattr(instruments, "calibrate", spy)
    trained(run)
    best, ((plain, training),) = best_or_newest(run), before
    assert best is not None
    assert best.training.read_bytes() == training
    model = load_model(best.model)
    assert replace(model, weights=plain.weights, calibration=None) == plain
    assert (plain.calibration, model.calibration) == (None, FITTED)
    ours, theirs = (tensors_from_weights(each.weights, each.config) for each in (model, plain))
    for name, tensor in theirs.items():
        np.testing.assert_array_equal(tensor, ours[name])


def test_the_checkpoint_is_whole_and_nothing_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instruments, "calibrate", lambda *_, **__: FITTED)
    run = new_run(tmp_path)
    trained(run)
    best = best_or_newest(run)
    assert best is not None
    assert is_whole(best)
    assert newest_valid(run) is not None
    names = [path.name for path in run.checkpoints.iterdir()]
    assert not [name for name in names if name.startswith(".") or name.endswith(".replaced")]


def test_a_text_that_is_too_short_is_reported_and_changes_nothing(tmp_path: Path) -> None:
    run = new_run(tmp_path, FAKE_TEXT)
    record = trained(run)
    assert record.temperature is None
    assert f"at least {2 * LEAST:,} symbols" in record.reason
    assert best_of(run).calibration is None


def test_a_disk_that_refuses_does_not_spoil_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StorageError("There is no room.")

    monkeypatch.setattr(instruments, "calibrate", lambda *_, **__: FITTED)
    monkeypatch.setattr(instruments, "replace_model", refuse)
    run = new_run(tmp_path)
    record = trained(run)
    assert (record.temperature, record.reason) == (None, "There is no room.")
    assert isinstance(records_of(run)[-1], RunEnded)
    status = read_status(run)
    assert status is not None
    assert status.state == "finished"


def test_it_is_done_once_after_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instruments, "calibrate", lambda *_, **__: FITTED)
    run = new_run(tmp_path)
    trained(run)
    kinds = [type(each) for each in records_of(run)]
    last_saved = len(kinds) - kinds[::-1].index(CheckpointSaved)
    assert kinds[last_saved:] == [ModelCalibrated, RunEnded]


def test_both_losses_stand_among_the_scores_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instruments, "calibrate", lambda *_, **__: FITTED)
    run = new_run(tmp_path)
    trained(run)
    view = RunView(run)
    sentences = [notice.sentence for notice in view.take(records_of(run))]
    words = "temperature 1.250, 2.500 to 2.250 nats on held-out text it was not fitted on"
    assert f"Calibrated: {words}." in sentences
    assert ("calibrated", "2.500 to 2.250, temperature 1.250") in card_rows(view)
