"""training.safetensors is read back as written."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tui_charrnn.errors import RunError
from tui_charrnn.runs.layout import CheckpointDirectory
from tui_charrnn.training.loop import Progress
from tui_charrnn.training.plan import Horizon, Plan, RateChange
from tui_charrnn.training.state_file import (
    TrainingState,
    load_training_state,
    serialize_training_state,
)

STATE = TrainingState(
    tensors={
        "optimizer.0000": np.array(7, np.int64),
        "state.0": np.arange(6, dtype=np.float32).reshape(3, 2).T,
    },
    plan=Plan(
        80,
        30,
        10,
        early_evaluations=(3,),
        is_adaptive=True,
        horizons=(Horizon(1, 100), Horizon(9, 80)),
    ),
    progress=Progress(
        step=12,
        evaluated_step=10,
        validation_loss=1.5,
        best_loss=1.5,
        best_step=10,
        changes=(RateChange(4, 0.1), RateChange(9, 0.05)),
        rollbacks=2,
    ),
    best_baseline=(5, 1.669),
    fingerprint={"threads": "2", "device": "CPU"},
)


def test_everything_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "training.safetensors"
    path.write_bytes(serialize_training_state(STATE))
    loaded = load_training_state(CheckpointDirectory(tmp_path))
    assert (loaded.plan, loaded.progress) == (STATE.plan, STATE.progress)
    assert loaded.best_baseline == (5, 1.669)
    for name, tensor in STATE.tensors.items():
        np.testing.assert_array_equal(loaded.tensors[name], tensor)
        assert loaded.tensors[name].dtype == tensor.dtype
        assert loaded.tensors[name].shape == tensor.shape


def test_a_checkpoint_of_before_knows_no_changes(tmp_path: Path) -> None:
    path = tmp_path / "training.safetensors"
    data = serialize_training_state(replace(STATE, progress=Progress(step=12)))
    added = b', \\"changes\\": [], \\"rollbacks\\": 0'
    assert data.count(added) == 1
    path.write_bytes(data.replace(added, b" " * len(added)))
    assert load_training_state(CheckpointDirectory(tmp_path)).progress == Progress(step=12)


@pytest.mark.parametrize("size", [0, 7, 40, 200])
def test_a_torn_file_is_refused_in_a_sentence(tmp_path: Path, size: int) -> None:
    path = tmp_path / "training.safetensors"
    path.write_bytes(serialize_training_state(STATE)[:size])
    with pytest.raises(RunError, match="cannot be used"):
        load_training_state(CheckpointDirectory(tmp_path))
