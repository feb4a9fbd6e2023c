"""`python -m tui_charrnn.training.doctor SETTINGS`: loads TensorFlow and says what it would do.

Prints one JSON document, an `Examination`, on standard output and nothing else there: whatever
libraries print goes to standard error.
"""

import math
import sys
import time
from dataclasses import replace

import numpy as np
import tensorflow as tf

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.model.weights import GATE_COUNTS
from tui_charrnn.training.devices import Device, configure_devices
from tui_charrnn.training.engine import Engine
from tui_charrnn.training.examination import (
    ASSUMED_CHARACTERS,
    ASSUMED_VOCABULARY,
    Examination,
    GpuFacts,
    decode_settings,
)
from tui_charrnn.training.loop import Batch
from tui_charrnn.training.machine import thread_count
from tui_charrnn.training.paths import ComputePath, ExplainedPath, RunSize, explain_path
from tui_charrnn.training.precision import WORTHWHILE_GAIN, measure_gain
from tui_charrnn.training.standard_output import exclusive_output


def examine(device: Device, model: ModelConfig, training: TrainingConfig) -> Examination:
    """Choose the path of a training, measure what there is to measure, and try one step.

    Args:
        device: As `configure_devices` describes it.
        model: Shape of the network.
        training: Settings of the run; its text is not known, so a usual one is assumed.
    """
    size = RunSize(ASSUMED_VOCABULARY, training.batch_size, ASSUMED_CHARACTERS)
    explained = explain_path(device, model, training, size)
    path = explained.path
    seconds, failure = try_step(path, model.cell)
    return Examination(
        cuda=_cuda_version(),
        gpus=_gpu_facts(device),
        path=path.facts(),
        reasons=explained.reasons,
        threads=thread_count(training.threads),
        has_tensor_float_32=tf.config.experimental.tensor_float_32_execution_enabled(),
        gain=_gain(explained, device, model, training),
        needed_gain=WORTHWHILE_GAIN,
        trial_seconds=seconds,
        trial_failure=failure,
    )


def try_step(path: ComputePath, cell: str) -> tuple[float | None, str | None]:
    """Take one step of a small network: only then do libraries load what they lack.

    Args:
        path: On which device, in which precision.
        cell: Kind of the recurrent cell.

    Returns:
        The seconds that it took, tracing included; or why it failed, in one line.
    """
    small = ModelConfig(cell=cell, embedding_size=4, hidden_size=8)
    streams, length, vocabulary_size = 2, 3, 5
    training = TrainingConfig(steps=1, batch_size=streams, sequence_length=length)
    text = np.arange(streams * (length + 1), dtype=np.int32).reshape(streams, -1) % vocabulary_size
    batch = Batch(text[:, :-1], text[:, 1:], np.zeros(streams, np.float32))
    started = time.perf_counter()
    try:
        engine = Engine(small, training, vocabulary_size, streams, replace(path, shards=1))
        result = engine.train_batch(batch, 1, 1e-3)
    except Exception as error:  # noqa: BLE001  whatever it is, it is what a training would meet
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return None, f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
    if not all(map(math.isfinite, result)):
        return None, f"the loss is {result.loss} and the norm of its gradient {result[1]}"
    return time.perf_counter() - started, None


def _gain(
    explained: ExplainedPath, device: Device, model: ModelConfig, training: TrainingConfig
) -> float | None:
    """The gain of bfloat16 on a processor, also where the settings decide without it."""
    if explained.gain is not None or device.is_gpu:
        return explained.gain
    streams = training.batch_size // explained.path.shards
    return measure_gain(model.hidden_size, streams, GATE_COUNTS[model.cell])


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
