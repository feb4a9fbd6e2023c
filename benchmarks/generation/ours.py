"""The program's own stream, as `charrnn-tui generate` drives it."""

import sys

import numpy as np

from benchmarks.generation.task import (
    EMBEDDING_SIZE,
    FIRST_CHARACTERS,
    TEMPERATURE,
    VOCABULARY_SIZE,
    Task,
)
from benchmarks.speed.contenders.serving import serve
from tui_charrnn.config import ModelConfig, SamplingConfig
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.shapes import tensor_shapes
from tui_charrnn.model.weights import weights_from_tensors
from tui_charrnn.text.vocabulary import Vocabulary


def open_stream(task: Task) -> CharacterStream:
    """A stream of random weights."""
    config = ModelConfig(hidden_size=task.hidden_size, embedding_size=EMBEDDING_SIZE)
    rng = np.random.default_rng(0)
    tensors = {
        name: (rng.standard_normal(shape) / task.hidden_size**0.5).astype(np.float32)
        for name, shape in tensor_shapes(config, VOCABULARY_SIZE).items()
    }
    vocabulary = Vocabulary("\n" + "".join(chr(32 + place) for place in range(VOCABULARY_SIZE - 1)))
    weights = weights_from_tensors(tensors, config)
    model = Model(config, vocabulary, weights, corpus={}, training={}, numbers=task.numbers)
    return CharacterStream(model, SamplingConfig(temperature=TEMPERATURE, rng_seed=0))


def main() -> None:
    """Serve."""
    stream = open_stream(Task.from_json(sys.argv[1]))
    versions = {"numpy": np.__version__}
    serve(lambda _: stream.next().probability, FIRST_CHARACTERS, {"versions": versions})


if __name__ == "__main__":
    main()
