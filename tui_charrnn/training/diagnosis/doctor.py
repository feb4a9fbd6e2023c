"""`python -m tui_charrnn.training.diagnosis.doctor SETTINGS`: what TensorFlow would do here.

Prints one JSON document, an `Examination`, on standard output and nothing else there: whatever
libraries print goes to standard error.
"""

import math
import sys
import time
from dataclasses import replace
from typing import Final

import numpy as np
import tensorflow as tf

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.training.diagnosis.examination import (
    ASSUMED_CHARACTERS,
    ASSUMED_VOCABULARY,
    Examination,
    GpuFacts,
    decode_settings,
    exclusive_output,
)
from tui_charrnn.training.engine.engine import Engine
from tui_charrnn.training.engine.path_choice import choose_path, one_line
from tui_charrnn.training.engine.paths import ComputePath, RunSize
from tui_charrnn.training.engine.precision import choose_precision
from tui_charrnn.training.loop import Batch
from tui_charrnn.training.machine.devices import Device, configure_devices
from tui_charrnn.training.machine.hardware import (
    STREAMS_PER_SHARD,
    has_bfloat16_instructions,
    thread_count,
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
    return Examination(
        cuda=_cuda_version(),
        gpus=_gpu_facts(device),
        path=path.facts(),
        reasons=choice.explained.reasons,
        threads=thread_count(training.threads),
        has_tensor_float_32=tf.config.experimental.tensor_float_32_execution_enabled(),
        automatic=None if path.is_gpu else _automatic_precision(path, model, training),
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


def _automatic_precision(
    path: ComputePath, model: ModelConfig, training: TrainingConfig
) -> tuple[str, str]:
    """What `auto` takes on a processor, and why; also where the settings decide without it."""
    streams = training.batch_size // path.shards
    return choose_precision(model, streams, has_bfloat16_instructions())


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


def main() -> None:
    """Examine the settings that the command line holds."""
    with exclusive_output() as output:
        model, training = decode_settings(sys.argv[1])
        device = configure_devices(training.threads, training.batch_size)
        output.write(examine(device, model, training).to_json() + "\n")


if __name__ == "__main__":
    main()
