"""What other commands need TensorFlow for, in a separate process (`trial_facts.task_command`).

Usage: python -m tui_charrnn.training.tasks examine|time SETTINGS
       python -m tui_charrnn.training.tasks keras MODEL FILE
       python -m tui_charrnn.training.tasks tensorboard RUN FOLDER

`examine` and `time` test training on this machine, and print one JSON document, an `Examination` or
a `Trial`; output of libraries goes to standard error. Timings are cached for later requests. The
others convert to the formats of other programs.
"""

import math
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import fields, replace
from itertools import chain
from pathlib import Path
from typing import Final, TextIO

import keras
import tensorflow as tf

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import CharRNNError, ConfigError, ExitCode
from tui_charrnn.model.checkpoint import Model, load_model
from tui_charrnn.runs.figures import Figures, read_figures
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.text.corpus import fitting_batch_size
from tui_charrnn.training.engine.engine import Engine
from tui_charrnn.training.engine.library_network import KERAS_LAYERS
from tui_charrnn.training.engine.path_choice import choose_path, random_batches, refuse_infinite
from tui_charrnn.training.engine.paths import (
    ComputePath,
    Device,
    RunSize,
    configure_devices,
    format_device,
)
from tui_charrnn.training.engine.precision import choose_precision
from tui_charrnn.training.failures import lacks_memory, one_line
from tui_charrnn.training.machine import (
    STREAMS_PER_SHARD,
    has_bfloat16_instructions,
    peak_memory,
    thread_count,
)
from tui_charrnn.training.timing import time_batches
from tui_charrnn.training.trial_facts import (
    ASSUMED_CHARACTERS,
    ASSUMED_VOCABULARY,
    Examination,
    Trial,
    TrialSettings,
    encode_result,
    remember_trial,
)

_SHORT: Final = 32
"""Maximum window length in a trial on a CPU, in characters."""


def examine(device: Device, model: ModelConfig, training: TrainingConfig) -> Examination:
    """Choose the compute path as a run does, and test it with a few steps.

    The run's text is unknown, so a typical vocabulary and length are assumed.
    """
    size = RunSize(ASSUMED_VOCABULARY, training.batch_size, ASSUMED_CHARACTERS)
    choice = choose_path(device, model, training, size)
    path = choice.path
    was_tried = choice.engine is not None
    seconds, failure = (None, None) if was_tried else try_steps(path, model, training)
    automatic = None
    if not path.is_gpu:  # reported even if the settings fix the precision
        streams = training.batch_size // path.shards
        automatic = choose_precision(model, streams, has_bfloat16_instructions())
    return Examination(
        cuda=_cuda_version(),
        gpus=device.gpus,
        path=path.facts(),
        reasons=choice.reasons,
        threads=thread_count(training.threads),
        has_tensor_float_32=tf.config.experimental.tensor_float_32_execution_enabled(),
        automatic=automatic,
        trials=choice.trials,
        characters=training.batch_size * training.sequence_length,
        trial_seconds=seconds,
        trial_failure=failure,
    )


def try_steps(
    path: ComputePath, model: ModelConfig, training: TrainingConfig
) -> tuple[float | None, str | None]:
    """Take two training steps: some libraries are loaded, and fail, only then.

    On a CPU the batch is small and the windows are short, to limit the time.

    Returns:
        The seconds, including tracing and compilation, or None and the error in one line.
    """
    streams, length = training.batch_size, training.sequence_length
    if not path.is_gpu:
        streams, length = min(streams, path.shards * STREAMS_PER_SHARD), min(length, _SHORT)
    training = replace(training, batch_size=streams, sequence_length=length)
    size = RunSize(ASSUMED_VOCABULARY, streams, ASSUMED_CHARACTERS)
    (batch,) = random_batches(training, size, 1)
    started = time.perf_counter()
    try:
        engine = Engine(model, training, ASSUMED_VOCABULARY, streams, path)
        for step in (1, 2):
            refuse_infinite(engine.train_batches([batch], step, [0.0]))
    except Exception as error:  # noqa: BLE001  training would fail with the same error
        return None, one_line(error)
    return time.perf_counter() - started, None


def _cuda_version() -> str | None:
    if not tf.test.is_built_with_cuda():
        return None
    return str(tf.sysconfig.get_build_info().get("cuda_version", "unknown"))


def try_settings(settings: TrialSettings) -> Trial:
    """Choose the compute path, build the network and time a few batches.

    Raises:
        CorpusError: If the text is too short for the settings.
    """
    model, training, characters = settings.model, settings.training, settings.training_characters
    batch_size = fitting_batch_size(characters, training.batch_size, training.sequence_length)
    size = RunSize(settings.vocabulary_size, batch_size, characters)
    choice = choose_path(configure_devices(training.threads, batch_size), model, training, size)
    path = choice.path
    engine = choice.engine or Engine(model, training, size.vocabulary_size, batch_size, path)
    (batch,) = random_batches(training, size, 1)  # step time does not depend on the text
    return Trial(
        seconds_per_step=time_batches(engine, lambda _: batch),
        memory=peak_memory(),
        device=format_device(path.device, thread_count(training.threads)),
        precision=path.precision,
        batch_size=batch_size,
    )


def _explain(error: Exception) -> str:
    """Return in one line why timing failed."""
    if lacks_memory(error):
        return (
            "There is not enough memory for a batch: choose a smaller batch size, sequence length "
            "or hidden size."
        )
    return one_line(error)


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
    rows = iter(figures)
    first = next(rows)  # read before the folder is made, so that a failure leaves none
    # like `tf.summary.scalar`, which would require TensorBoard
    metadata = tf.compat.v1.SummaryMetadata()
    metadata.plugin_data.plugin_name = "scalars"
    with tf.summary.create_file_writer(str(folder)).as_default():
        for row in chain([first], rows):
            for name in names:
                value = getattr(row, name)
                if value is not None and math.isfinite(value):
                    number = tf.constant(value, tf.float32)
                    tf.summary.write(name, number, step=row.step, metadata=metadata)


def _exclusive_output() -> TextIO:
    """Return standard output, and redirect other writers of it to standard error."""
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return output


def main(kind: str, *arguments: str) -> int:
    """Carry out a task, and return the exit code; after a failure, standard error ends with it."""
    with _exclusive_output() as output:
        try:
            match kind:
                case "keras":
                    source, target = map(Path, arguments)
                    keras_model(load_model(source)).save(target)
                case "tensorboard":
                    source, target = map(Path, arguments)
                    write_events(read_figures(RunDirectory(source)), target)
                case "examine":
                    settings = TrialSettings.from_json(*arguments)
                    training = settings.training
                    device = configure_devices(training.threads, training.batch_size)
                    output.write(encode_result(examine(device, settings.model, training)) + "\n")
                case _:
                    settings = TrialSettings.from_json(*arguments)
                    trial = try_settings(settings)
                    remember_trial(trial, settings)
                    output.write(encode_result(trial) + "\n")
        except CharRNNError as error:
            print(error, file=sys.stderr)  # noqa: T201  for the process that started this one
            return int(error.exit_code)
        except Exception as error:
            if kind != "time":
                raise
            print(_explain(error), file=sys.stderr)  # noqa: T201  see above
            return int(ExitCode.UNEXPECTED)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
