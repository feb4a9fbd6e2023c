"""Exports to other programs' formats that need TensorFlow, in a separate process.

Usage: python -m tui_charrnn.training.conversion keras MODEL FILE
       python -m tui_charrnn.training.conversion tensorboard RUN FOLDER
"""

import math
import sys
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

import keras
import tensorflow as tf

from tui_charrnn.errors import CharRNNError, ConfigError
from tui_charrnn.model.checkpoint import Model, load_model
from tui_charrnn.runs.archive import Figures, read_figures
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.training.engine.library_network import KERAS_LAYERS


def keras_model(model: Model) -> keras.Sequential:
    """Convert a model to standard Keras layers with the same probabilities.

    The Keras model takes indices, shape (1, T), keeps its states between calls, and returns the
    probabilities of each next character, shape (1, T, V).

    Raises:
        ConfigError: If Keras has no equivalent layer.
    """
    config, weights = model.config, model.weights
    if config.reads_both:
        raise ConfigError(
            "A model that reads both directions keeps no state from call to call, so it cannot be "
            "exported as one that does. Train one with --direction forward."
        )
    if config.layer_norm:
        raise ConfigError(
            "Keras has no LSTM whose gates are normalized, so this model (layer_norm) cannot be "
            "exported to it. Train one with --layer-norm false."
        )
    layers: list[keras.Layer] = [
        keras.layers.Input(batch_shape=(1, None), dtype="int32"),
        keras.layers.Embedding(len(model.vocabulary), config.embedding_size),
    ]
    for _ in weights.layers:
        recurrent = KERAS_LAYERS[config.cell]
        layers.append(recurrent(config.hidden_size, return_sequences=True, stateful=True))
    layers.append(keras.layers.Dense(len(model.vocabulary), activation="softmax"))
    network = keras.Sequential(layers, name="charrnn")
    network.set_weights([
        weights.embedding,
        *(
            tensor
            for layer in weights.layers
            for tensor in (layer.kernel, layer.recurrent_kernel, layer.bias)
        ),
        *weights.calibrated_output,
    ])
    return network


def write_events(figures: Iterable[Figures], folder: Path) -> None:
    """Write an event file for TensorBoard: one curve per column, by step."""
    names = [field.name for field in fields(Figures) if field.name != "step"]
    # like `tf.summary.scalar`, which would require TensorBoard
    metadata = tf.compat.v1.SummaryMetadata()
    metadata.plugin_data.plugin_name = "scalars"
    with tf.summary.create_file_writer(str(folder)).as_default():
        for row in figures:
            for name in names:
                value = getattr(row, name)
                if value is not None and math.isfinite(value):
                    number = tf.constant(value, tf.float32)
                    tf.summary.write(name, number, step=row.step, metadata=metadata)


def main(kind: str, source: str, target: str) -> None:
    """Convert a model file (`keras`) or a run (`tensorboard`) to the target file or folder."""
    if kind == "keras":
        keras_model(load_model(Path(source))).save(target)
    else:
        write_events(read_figures(RunDirectory(Path(source))), Path(target))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except CharRNNError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(int(error.exit_code))
