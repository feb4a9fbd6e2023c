"""The loop of TensorFlow's text-generation tutorial: a stateful Keras model, called eagerly."""

import sys

import keras
import tensorflow as tf

from benchmarks.generation.task import (
    EMBEDDING_SIZE,
    FIRST_CHARACTERS,
    TEMPERATURE,
    VOCABULARY_SIZE,
    Task,
)
from benchmarks.speed.contenders.serving import Step, serve


def build_step(task: Task) -> Step:
    """Embedding, stateful LSTM and a dense layer, with a batch of one."""
    model = keras.Sequential([
        keras.Input(batch_shape=(1, None)),
        keras.layers.Embedding(VOCABULARY_SIZE, EMBEDDING_SIZE),
        keras.layers.LSTM(task.hidden_size, return_sequences=True, stateful=True),
        keras.layers.Dense(VOCABULARY_SIZE),
    ])
    read = tf.constant([[0]])

    def step(_: int) -> float:
        nonlocal read
        predictions = tf.squeeze(model(read), 0) / TEMPERATURE
        chosen = tf.random.categorical(predictions, num_samples=1)[-1, 0].numpy()
        read = tf.expand_dims([chosen], 0)
        return float(chosen)

    return step


def main() -> None:
    """Serve."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    versions = {"tensorflow": tf.__version__, "keras": keras.__version__}
    step = build_step(Task.from_json(sys.argv[1]))
    serve(step, FIRST_CHARACTERS, {"versions": versions})


if __name__ == "__main__":
    main()
