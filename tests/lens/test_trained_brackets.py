"""A model that was trained on nested brackets has a cell that counts them, and it is found."""

import numpy as np
import pytest

from tests.support.bracket_model import CHARACTERS, nested_brackets
from tests.support.engine_pool import take_step
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.lens.neurons import NeuronFinder
from tui_charrnn.lens.properties import find_properties
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import weights_from_tensors
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.training.loop import Batch

pytestmark = pytest.mark.tensorflow

STEPS, STREAMS, WINDOW = 400, 16, 32
RATE = 0.02


@pytest.fixture(scope="module")
def models() -> tuple[Model, Model]:
    """One before and after it was trained."""
    # imported here, so that only this test loads TensorFlow
    from tui_charrnn.training.engine.engine import Engine

    config = ModelConfig(embedding_size=5, hidden_size=12)
    training = TrainingConfig(
        steps=STEPS, batch_size=STREAMS, sequence_length=WINDOW, learning_rate=RATE,
        dropout=0, precision="float32", rng_seed=1,
    )  # fmt: skip
    vocabulary = Vocabulary(CHARACTERS)
    text = vocabulary.encode(nested_brackets(STREAMS * (WINDOW * STEPS + 1), rng_seed=5))
    streams = text[: STREAMS * (WINDOW * STEPS + 1)].reshape(STREAMS, -1)
    engine = Engine(config, training, len(vocabulary), STREAMS)

    def model() -> Model:
        weights = weights_from_tensors(engine.model_tensors(), config)
        return Model(config, vocabulary, weights, corpus={}, training={})

    before = model()
    for step in range(STEPS):
        window = streams[:, step * WINDOW : (step + 1) * WINDOW + 1]
        carried = np.full(STREAMS, step > 0, np.float32)
        take_step(engine, Batch(window[:, :-1], window[:, 1:], carried), step + 1, RATE)
    return before, model()


def strongest_r(model: Model) -> float:
    text = nested_brackets(20_000, rng_seed=9)  # not what it was trained on
    finder = NeuronFinder(model, find_properties(["bracket-depth"]), streams=1)
    (depth,) = finder.find([text]).properties
    return abs(depth.neurons[0].r)


def test_the_bracket_cell_is_found_by_itself(models: tuple[Model, Model]) -> None:
    untrained, trained = models

    assert strongest_r(trained) > 0.9
    assert strongest_r(untrained) < 0.8
