"""Plain Keras: a stateful LSTM trained by `fit`, under each of its policies."""

import keras
import numpy as np
import tensorflow as tf

from benchmarks.cards.rows import VOCABULARY_SIZE, Row
from benchmarks.cards.serving import Steps, serve
from benchmarks.cards.text import EMBEDDING_SIZE, LEARNING_RATE, WINDOWS, windows


def build(row: Row) -> Steps:
    """Embedding, LSTMs that keep their state, a dense layer; compiled and fitted as people do."""
    network = row.network
    keras.backend.clear_session()
    keras.mixed_precision.set_global_policy(row.way)
    model = keras.Sequential([
        keras.Input(batch_shape=(network.batch_size, network.sequence_length), dtype="int32"),
        keras.layers.Embedding(VOCABULARY_SIZE, EMBEDDING_SIZE),
        *(
            keras.layers.LSTM(network.hidden_size, return_sequences=True, stateful=True)
            for _ in range(network.layer_count)
        ),
        keras.layers.Dense(VOCABULARY_SIZE, dtype="float32"),
    ])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(LEARNING_RATE), loss)
    made = windows(network)
    inputs, targets = (np.concatenate(arrays) for arrays in zip(*made, strict=True))
    dataset = tf.data.Dataset.from_tensor_slices((inputs, targets))
    batches = dataset.batch(network.batch_size, drop_remainder=True).cache().repeat()
    batches = batches.prefetch(WINDOWS)

    def steps(count: int) -> float:
        history = model.fit(batches, steps_per_epoch=count, epochs=1, shuffle=False, verbose=0)
        return float(history.history["loss"][-1])

    return steps


def main() -> None:
    """Serve."""
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, enable=True)
    serve(build, {"versions": {"TensorFlow": tf.__version__, "Keras": keras.__version__}})


if __name__ == "__main__":
    main()
