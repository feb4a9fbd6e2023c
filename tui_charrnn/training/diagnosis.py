"""`python -m tui_charrnn.training.diagnosis examine|time SETTINGS`: what a training would do here.

Prints one JSON document, an `Examination` or a `Trial`, on standard output and nothing else there:
whatever libraries print goes to standard error. What was timed is kept for whoever asks next.
"""

import math
import os
import sys
import time
from dataclasses import replace
from typing import Final, TextIO

import numpy as np
import tensorflow as tf

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import CharRNNError, ExitCode
from tui_charrnn.model.shapes import parameter_count
from tui_charrnn.text.batches import ContiguousStreams
from tui_charrnn.text.corpus import fitting_batch_size
from tui_charrnn.training.engine.engine import Engine
from tui_charrnn.training.engine.path_choice import choose_path, one_line
from tui_charrnn.training.engine.paths import (
    ComputePath,
    Device,
    RunSize,
    configure_devices,
    format_device,
)
from tui_charrnn.training.engine.precision import choose_precision
from tui_charrnn.training.loop import Batch, Material
from tui_charrnn.training.machine import (
    STREAMS_PER_SHARD,
    has_bfloat16_instructions,
    lacks_memory,
    peak_memory,
    thread_count,
)
from tui_charrnn.training.timing import time_batches
from tui_charrnn.training.trial_facts import (
    ASSUMED_CHARACTERS,
    ASSUMED_VOCABULARY,
    Examination,
    GpuFacts,
    Trial,
    TrialSettings,
    encode_result,
    remember_trial,
)

_SHORT: Final = 32
"""Characters of a window that a processor is tried with."""


def examine(device: Device, model: ModelConfig, training: TrainingConfig) -> Examination:
    """Choose the path of a training as a run does, measure the rest, and try some steps.

    The text of the run is not known, so a usual one is assumed.
    """
    size = RunSize(ASSUMED_VOCABULARY, training.batch_size, ASSUMED_CHARACTERS)
    choice = choose_path(device, model, training, size)
    path = choice.path
    was_tried = choice.engine is not None
    seconds, failure = (None, None) if was_tried else try_steps(path, model, training)
    automatic = None
    if not path.is_gpu:  # also where the settings decide without it
        streams = training.batch_size // path.shards
        automatic = choose_precision(model, streams, has_bfloat16_instructions())
    return Examination(
        cuda=_cuda_version(),
        gpus=_gpu_facts(device),
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
    """Take two steps of the network in one call: only then do libraries load what they lack.

    A processor is given a small batch of short windows, as it may take long for a whole one.

    Returns:
        The seconds that they took, with tracing and compiling, or in one line why they failed.
    """
    streams, length = training.batch_size, training.sequence_length
    if not path.is_gpu:
        streams, length = min(streams, path.shards * STREAMS_PER_SHARD), min(length, _SHORT)
    training = replace(training, batch_size=streams, sequence_length=length)
    shape = (streams, length + 1)
    text = np.random.default_rng(0).integers(0, ASSUMED_VOCABULARY, shape, dtype=np.int32)
    batch = Batch(text[:, :-1], text[:, 1:], np.ones(streams, np.float32))
    started = time.perf_counter()
    try:
        engine = Engine(model, training, ASSUMED_VOCABULARY, streams, path)
        results = [engine.train_batch(batch, step, 0.0) for step in (1, 2)]
    except Exception as error:  # noqa: BLE001  whatever it is, it is what a training would meet
        return None, one_line(error)
    for result in results:
        if not all(map(math.isfinite, result)):
            return None, f"the loss is {result.loss} and the norm of its gradient {result[1]}"
    return time.perf_counter() - started, None


def _cuda_version() -> str | None:
    if not tf.test.is_built_with_cuda():
        return None
    return str(tf.sysconfig.get_build_info().get("cuda_version", "unknown"))


def _gpu_facts(device: Device) -> tuple[GpuFacts, ...]:
    found = zip(device.gpus, tf.config.list_physical_devices("GPU"), strict=True)
    return tuple(
        GpuFacts(
            gpu.name,
            None if gpu.capability is None else ".".join(map(str, gpu.capability)),
            bool(tf.config.experimental.get_memory_growth(physical)),
            gpu.has_code,
        )
        for gpu, physical in found
    )


def try_settings(settings: TrialSettings) -> Trial:
    """Choose the path of a training, build its network and time a few batches.

    Raises:
        CorpusError: If the text is too short for the settings.
    """
    model, training, characters = settings.model, settings.training, settings.training_characters
    batch_size = fitting_batch_size(characters, training.batch_size, training.sequence_length)
    size = RunSize(settings.vocabulary_size, batch_size, characters)
    choice = choose_path(configure_devices(training.threads, batch_size), model, training, size)
    path = choice.path
    engine = choice.engine or Engine(model, training, size.vocabulary_size, batch_size, path)
    # a length in steps: of one that is a time, a share would be spent on timing
    timed = replace(training, epochs=None, train_time=None, steps=1)
    return Trial(
        seconds_per_step=time_batches(engine, _noise(size, training.sequence_length), timed),
        parameter_count=parameter_count(model, size.vocabulary_size),
        memory=peak_memory(),
        device=format_device(path.device, thread_count(training.threads)),
        precision=path.precision,
        batch_size=batch_size,
    )


def _noise(size: RunSize, sequence_length: int) -> Material:
    """Random characters that fill one batch: a step takes as long whatever it reads."""
    count = size.batch_size * sequence_length + 1
    text = np.random.default_rng(0).integers(0, size.vocabulary_size, count, dtype=np.int32)
    streams = ContiguousStreams(
        text, batch_size=size.batch_size, sequence_length=sequence_length, rng_seed=0
    )
    return Material(streams, heldout=())


def _explain(error: Exception) -> str:
    """One line: why nothing could be timed."""
    if isinstance(error, CharRNNError):
        return str(error)
    if lacks_memory(error):
        return (
            "There is not enough memory for a batch: choose a smaller batch size, sequence length "
            "or hidden size."
        )
    return one_line(error)


def _exclusive_output() -> TextIO:
    """Standard output for us alone: what anybody else writes there goes to standard error."""
    ours = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return ours


def main(kind: str, text: str) -> int:
    """Examine or time the settings that the command line holds; the result is the exit code."""
    with _exclusive_output() as output:
        if kind == "examine":
            settings = TrialSettings.from_json(text)
            training = settings.training
            device = configure_devices(training.threads, training.batch_size)
            output.write(encode_result(examine(device, settings.model, training)) + "\n")
            return 0
        try:
            settings = TrialSettings.from_json(text)
            trial = try_settings(settings)
        except Exception as error:  # noqa: BLE001  the process that started this one reports it
            print(_explain(error), file=sys.stderr)  # noqa: T201  as said
            return int(error.exit_code if isinstance(error, CharRNNError) else ExitCode.UNEXPECTED)
        remember_trial(trial, settings)
        output.write(encode_result(trial) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
