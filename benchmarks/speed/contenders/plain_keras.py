"""The model of the Keras text-generation tutorial, written plainly in today's Keras."""

import sys
from typing import Any

import keras
import tensorflow as tf

from benchmarks.speed.contenders.assignment import LEARNING_RATE, Assignment
from benchmarks.speed.contenders.serving import Step, serve
from tui_charrnn.text.batches import Int32


def build_step(assignment: Assignment) -> Step:
    """Embedding, stateful LSTMs and a dense layer, trained in one `tf.function`."""
    size, streams = assignment.size, assignment.streams()
    recurrent = [
        keras.layers.LSTM(size.hidden_size, return_sequences=True, stateful=True)
        for _ in range(size.layer_count)
    ]
    model = keras.Sequential([
        keras.Input(batch_shape=(size.batch_size, size.sequence_length), dtype="int32"),
        keras.layers.Embedding(assignment.vocabulary_size, size.embedding_size),
        *recurrent,
        keras.layers.Dense(assignment.vocabulary_size),
    ])
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.Adam(LEARNING_RATE)

    def train(inputs: Int32, targets: Int32) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(targets, model(inputs, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    train_compiled = tf.function(train)

    def step(number: int) -> float:
        inputs, targets = streams.batch(number)
        if streams.starts_epoch(number):
            for layer in recurrent:
                layer.reset_state()
        return float(train_compiled(tf.constant(inputs), tf.constant(targets)))

    return step


def main() -> None:
    """Serve."""
    assignment = Assignment.from_json(sys.argv[1])
    versions = {"tensorflow": tf.__version__, "keras": keras.__version__}
    serve(build_step(assignment), assignment.first_steps, {"versions": versions})


if __name__ == "__main__":
    main()
