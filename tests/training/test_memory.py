"""The memory length of the weights, recorded at every evaluation."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.small_run import MODEL, new_run, of_kind, records_of, train
from tui_charrnn.generation.training_corpus import read_run_corpus
from tui_charrnn.lens.influence import ForwardPass, decay_distance
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.runs.checkpoints import newest_valid
from tui_charrnn.runs.reader import read_description
from tui_charrnn.runs.records import MemoryMeasured, SplitEvaluated
from tui_charrnn.training import instruments

pytestmark = pytest.mark.tensorflow


def test_every_score_is_followed_by_the_memory_of_its_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instruments, "TIME_SHARE", float("inf"))
    run = new_run(tmp_path)
    train(run)
    measured = of_kind(run, MemoryMeasured)
    assert [one.step for one in measured] == [3, 6, 9, 12]
    records = records_of(run)
    for place, record in enumerate(records):
        if isinstance(record, MemoryMeasured):
            assert isinstance(records[place - 1], SplitEvaluated)
    checkpoint = newest_valid(run)
    assert checkpoint is not None
    model, description = load_model(checkpoint.model), read_description(run)
    text = read_run_corpus(run, description.corpus).text
    heldout = text[description.corpus.training_characters : -1][:240]
    indices = np.array([description.vocabulary.index(character) for character in heldout])
    reach = min(100, len(indices) // 2)
    places = np.unique(np.linspace(reach, len(indices) - 1, 24).astype(int))
    found = ForwardPass(model.weights, MODEL, indices).influence(places, reach)
    curve = found.inputs.mean(axis=0)
    newest = measured[-1]
    assert newest.reach == reach
    assert (newest.half, newest.tenth) == (decay_distance(curve, 0.5), decay_distance(curve, 0.1))
    assert newest.fading == pytest.approx(found.hidden[-1, :64], rel=1e-3)


def test_what_would_take_too_much_of_the_work_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instruments, "TIME_SHARE", 0.0)
    run = new_run(tmp_path)
    train(run)
    assert not of_kind(run, MemoryMeasured)
    assert len(of_kind(run, SplitEvaluated)) == 4
