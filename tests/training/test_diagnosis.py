"""The diagnosis process: its results, and that it tests what it reports."""

from dataclasses import replace
from typing import Any

import pytest

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.runs.records import PathTrial
from tui_charrnn.training.trial_facts import (
    Examination,
    GpuFacts,
    decode_result,
    encode_result,
)

MODEL = ModelConfig(cell="gru", embedding_size=5, hidden_size=24)
TRAINING = TrainingConfig(steps=3, batch_size=33, sequence_length=7, threads=2, precision="float32")


def test_an_examination_arrives_as_it_was_sent() -> None:
    sent = Examination(
        cuda="12.5.1",
        gpus=(GpuFacts("Some GPU", "8.6", True, True), GpuFacts("Another", None, False, False)),
        path={"device": "Some GPU"},
        reasons={"device": "it is there"},
        threads=3,
        has_tensor_float_32=True,
        automatic=("bfloat16", "it pays"),
        trials=(PathTrial("cudnn", "none", "float32", 0.001, 0.01),),
        characters=231,
        trial_seconds=0.25,
        trial_failure=None,
    )
    assert decode_result(Examination, encode_result(sent)) == sent


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"gpus": []}', '{"gpus": [{"size": 1}]}'])
def test_what_is_no_examination_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|lacks"):
        decode_result(Examination, text)


@pytest.mark.tensorflow
def test_what_auto_would_choose_is_reported_beside_a_forced_precision() -> None:
    from tui_charrnn.training.diagnosis import examine
    from tui_charrnn.training.engine.paths import Device

    found = examine(Device(), MODEL, replace(TRAINING, precision="bfloat16"))
    assert found.path["precision"] == "bfloat16"
    assert found.automatic is not None
    assert found.automatic[0] == "float32"  # of 24 units
    assert (found.path["layers"], found.path["shards"], found.threads) == ("handwritten", "2", 2)
    assert found.trial_failure is None
    assert found.trial_seconds is not None


@pytest.mark.tensorflow
def test_a_step_that_fails_is_reported_in_one_line() -> None:
    """cuDNN on a CPU simulates a GPU with incompatible libraries."""
    from tui_charrnn.training.diagnosis import try_steps
    from tui_charrnn.training.engine.paths import ComputePath

    seconds, failure = try_steps(ComputePath("CPU", "cudnn"), MODEL, TRAINING)
    assert seconds is None
    assert failure
    assert "\n" not in failure


@pytest.mark.tensorflow
def test_a_loss_that_is_no_number_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    from tui_charrnn.training.diagnosis import try_steps
    from tui_charrnn.training.engine.engine import Engine
    from tui_charrnn.training.engine.paths import ComputePath
    from tui_charrnn.training.loop import BatchResult

    def train_batch(*_: Any) -> BatchResult:
        return BatchResult(float("nan"), 1.0)

    monkeypatch.setattr(Engine, "train_batch", train_batch)
    assert try_steps(ComputePath(), MODEL, TRAINING) == (
        None,
        "the loss is nan and the norm of its gradient 1.0",
    )
