"""Tasks in TensorFlow: an examination tests what it reports; exports have the same contents."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.tiny_model import tiny_model
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import ConfigError
from tui_charrnn.generation.lstm import Stepper, fold_embedding
from tui_charrnn.runs.figures import Figures
from tui_charrnn.runs.records import PathTrial
from tui_charrnn.training.nvidia import Gpu
from tui_charrnn.training.trial_facts import (
    Examination,
    decode_result,
    encode_result,
)

TEXT = (3, 0, 5, 5, 1, 2, 4)
MODEL = ModelConfig(cell="gru", embedding_size=5, hidden_size=24)
TRAINING = TrainingConfig(steps=3, batch_size=33, sequence_length=7, threads=2, precision="float32")


def test_an_examination_arrives_as_it_was_sent() -> None:
    sent = Examination(
        cuda="12.5.1",
        gpus=(Gpu("Some GPU", "8.6"), Gpu("Another", None, has_code=False)),
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


def test_a_gpu_has_the_same_fields_in_every_version_of_doctor() -> None:
    """`doctor --json` prints them."""
    assert asdict(Gpu("Some GPU", "8.6")) == {
        "name": "Some GPU",
        "capability": "8.6",
        "has_growing_memory": True,
        "has_code": True,
    }


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"gpus": []}', '{"gpus": [{"size": 1}]}'])
def test_what_is_no_examination_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|lacks"):
        decode_result(Examination, text)


@pytest.mark.tensorflow
def test_what_auto_would_choose_is_reported_beside_a_forced_precision() -> None:
    from tui_charrnn.training.engine.paths import Device
    from tui_charrnn.training.tasks import examine

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
    from tui_charrnn.training.engine.paths import ComputePath
    from tui_charrnn.training.tasks import try_steps

    seconds, failure = try_steps(ComputePath("CPU", "cudnn"), MODEL, TRAINING)
    assert seconds is None
    assert failure
    assert "\n" not in failure


@pytest.mark.tensorflow
def test_a_loss_that_is_no_number_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    from tui_charrnn.training.engine.engine import Engine
    from tui_charrnn.training.engine.paths import ComputePath
    from tui_charrnn.training.loop import BatchResult
    from tui_charrnn.training.tasks import try_steps

    def train_batches(*_: Any) -> list[BatchResult]:
        return [BatchResult(float("nan"), 1.0)]

    monkeypatch.setattr(Engine, "train_batches", train_batches)
    found, problem = try_steps(ComputePath(), MODEL, TRAINING)
    assert found is None
    assert problem is not None
    assert "the loss is nan" in problem


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # of Keras, as it loads a file
@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(embedding_size=3, hidden_size=5, layer_count=2),
        ModelConfig(cell="gru", embedding_size=4, hidden_size=6),
        ModelConfig(cell="rnn", embedding_size=6, hidden_size=6, tied_output=True),
    ],
)
def test_the_keras_file_gives_the_same_probabilities(tmp_path: Path, config: ModelConfig) -> None:
    import keras
    import tensorflow as tf

    from tui_charrnn.training.tasks import keras_model

    model = tiny_model(config=config)
    model = replace(model, weights=model.weights.at_temperature(1.25))  # as if it was calibrated
    keras_model(model).save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    stepper = Stepper(fold_embedding(model))
    first, second = (loaded(tf.constant([piece])).numpy()[0] for piece in (TEXT[:4], TEXT[4:]))
    for index, probabilities in zip(TEXT, [*first, *second], strict=True):
        weights = np.exp(stepper.read(index).astype(np.float64))
        np.testing.assert_allclose(probabilities, weights / weights.sum(), atol=1e-5)


@pytest.mark.tensorflow
def test_what_keras_has_no_layer_for_is_refused() -> None:
    from tui_charrnn.training.tasks import keras_model

    model = tiny_model(config=ModelConfig(embedding_size=3, hidden_size=5, layer_norm=True))
    with pytest.raises(ConfigError, match="layer_norm"):
        keras_model(model)


@pytest.mark.tensorflow
def test_the_events_are_curves_by_step(tmp_path: Path) -> None:
    import tensorflow as tf

    from tui_charrnn.training.tasks import write_events

    write_events([Figures(1, 0.5, 4.0, None, 0.1, 2.0), Figures(2, 1.0, 3.0, 3.5)], tmp_path / "e")
    path = next((tmp_path / "e").iterdir())
    values = {
        (value.tag, event.step, float(tf.make_ndarray(value.tensor)))
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    }
    assert {
        ("train_loss", 1, 4.0),
        ("train_loss", 2, 3.0),
        ("validation_loss", 2, 3.5),
        ("gradient_norm", 1, 2.0),
    } <= values
    assert ("validation_loss", 1, 3.5) not in values
