"""Exports for other programs have the same contents: Keras's file, TensorBoard's events."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.tiny_model import tiny_model
from tui_charrnn.config import ModelConfig
from tui_charrnn.errors import ConfigError
from tui_charrnn.generation.lstm import Stepper, fold_embedding
from tui_charrnn.runs.archive import Figures

pytestmark = pytest.mark.tensorflow
TEXT = (3, 0, 5, 5, 1, 2, 4)


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # of Keras, as it loads a file
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

    from tui_charrnn.training.conversion import keras_model

    model = tiny_model(config=config)
    model = replace(model, weights=model.weights.at_temperature(1.25))  # as if it was calibrated
    keras_model(model).save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    stepper = Stepper(fold_embedding(model))
    first, second = (loaded(tf.constant([piece])).numpy()[0] for piece in (TEXT[:4], TEXT[4:]))
    for index, probabilities in zip(TEXT, [*first, *second], strict=True):
        weights = np.exp(stepper.read(index).astype(np.float64))
        np.testing.assert_allclose(probabilities, weights / weights.sum(), atol=1e-5)


def test_what_keras_has_no_layer_for_is_refused() -> None:
    from tui_charrnn.training.conversion import keras_model

    model = tiny_model(config=ModelConfig(embedding_size=3, hidden_size=5, layer_norm=True))
    with pytest.raises(ConfigError, match="layer_norm"):
        keras_model(model)


def test_the_events_are_curves_by_step(tmp_path: Path) -> None:
    import tensorflow as tf

    from tui_charrnn.training.conversion import write_events

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
