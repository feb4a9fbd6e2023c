"""The devices of TensorFlow on this machine, and the compute paths on them."""

import contextlib
import ctypes
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from tui_charrnn.config import ModelConfig
from tui_charrnn.training.machine import processor_name, shard_count, thread_count
from tui_charrnn.training.nvidia import Gpu

STEPS_PER_CALL: Final = 128
"""Maximum on a GPU, where reading a step's result on the host takes as long as the step, and in
several processes, which exchange a message before each call; `adapted_steps` adapts the actual
number."""
_BFLOAT16_CAPABILITY: Final = 8
"""Major version of NVIDIA Ampere, the first architecture with bfloat16 products."""


@dataclass(frozen=True, slots=True)
class Device:
    """The compute device of a training: the first GPU, or the CPU if there is none."""

    gpus: tuple[Gpu, ...] = ()

    @property
    def is_gpu(self) -> bool:
        """Whether it is a GPU."""
        return bool(self.gpus)

    @property
    def taken(self) -> Gpu:
        """The GPU in use; a `Gpu` named `CPU` if there is none."""
        return self.gpus[0] if self.gpus else Gpu("CPU", None)


Layers: TypeAlias = Literal["handwritten", "cudnn", "keras"]
Precision: TypeAlias = Literal["float32", "bfloat16"]


@dataclass(frozen=True, slots=True)
class ComputePath:
    """How the steps of a run are computed; bit-identical results depend on it."""

    device: str = "CPU"
    """Name of the GPU, or `CPU`."""
    layers: Layers = "handwritten"
    is_compiled: bool = False
    """Whether XLA compiles the step, or on a CPU in bfloat16 the operations between products. On a
    GPU XLA always compiles the optimizer."""

    precision: Precision = "float32"
    shards: int = 1
    """Parts of a batch that are computed in parallel."""

    steps_per_call: int = 1
    """Maximum number of steps per call. Results do not depend on it."""

    @property
    def is_gpu(self) -> bool:
        """Whether it is for a GPU."""
        return self.device != "CPU"

    @property
    def has_compiled_step(self) -> bool:
        """Whether XLA compiles loss and gradient as a whole."""
        return self.is_compiled and (self.is_gpu or self.precision == "float32")

    @property
    def has_compiled_update(self) -> bool:
        """Whether XLA compiles the optimizer."""
        return self.is_compiled or self.is_gpu

    def facts(self) -> dict[str, str]:
        """Return the path's properties by name, for the fingerprint of a checkpoint."""
        return {
            "device": self.device,
            "layers": self.layers,
            "compiler": "xla" if self.is_compiled else "none",
            "precision": self.precision,
            "shards": str(self.shards),
        }


GPU_PATHS: Final = (
    ComputePath("GPU", "cudnn"),
    ComputePath("GPU", "handwritten", is_compiled=True, precision="bfloat16"),
    ComputePath("GPU", "handwritten", is_compiled=True),
    ComputePath("GPU", "cudnn", precision="bfloat16"),
    ComputePath("GPU", "keras"),
    ComputePath("GPU", "keras", precision="bfloat16"),
)
"""Compute paths on any GPU, in order of the trials. XLA cannot compile cuDNN's kernels. In float32
a GPU may round factors to TF32."""


class RunSize(NamedTuple):
    """Sizes that depend on a run's text."""

    vocabulary_size: int
    batch_size: int
    """B, which may be smaller than configured."""
    training_characters: int


def gpu_paths(
    device: Device, model: ModelConfig, precision: str, *, has_records: bool = False
) -> list[ComputePath]:
    """Return the compute paths of a network on a GPU, in the order of `GPU_PATHS`.

    The precision `auto` includes both. Records need handwritten layers, as libraries cannot reset
    states within a window.
    """
    capability = device.taken.capability
    major = _BFLOAT16_CAPABILITY if capability is None else int(capability.partition(".")[0])
    return [
        _on(device, path)
        for path in GPU_PATHS
        if precision in {"auto", path.precision}
        and (
            path.layers == "handwritten"
            or not (model.layer_norm or model.reads_both or has_records)
        )
        and (path.layers != "keras" or model.cell != "rnn")  # Keras has no cuDNN kernel for it
        and (path.precision == "float32" or major >= _BFLOAT16_CAPABILITY)
    ]


def reference_path(device: Device) -> ComputePath:
    """Return the reference path on a GPU: the simplest, without XLA, cuDNN and bfloat16."""
    return _on(device, ComputePath())


def _on(device: Device, path: ComputePath) -> ComputePath:
    return replace(path, device=device.taken.name, steps_per_call=STEPS_PER_CALL)


def format_device(name: str, threads: int) -> str:
    """Format a compute device for display."""
    return f"processor, {threads} thread{'s' if threads > 1 else ''}" if name == "CPU" else name


def configure_devices(threads: int | None, batch_size: int) -> Device:
    """Set threads and memory before TensorFlow's first operation, and return the device.

    `threads` None uses all threads available to this process; shards divide them equally.
    """
    keep_freed_memory()
    count = thread_count(threads)
    shards = shard_count(count, batch_size)
    with contextlib.suppress(RuntimeError):  # already set by an earlier training in this process
        tf.config.threading.set_intra_op_parallelism_threads(max(1, count // shards))
        tf.config.threading.set_inter_op_parallelism_threads(count)
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, enable=True)
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    targets = tf.sysconfig.get_build_info().get("cuda_compute_capabilities", ())
    return Device(tuple(_gpu_of(each, targets) for each in details))


def _gpu_of(details: Mapping[str, Any], targets: Sequence[str]) -> Gpu:
    capability = details.get("compute_capability")
    name = str(details.get("device_name", "GPU"))
    if capability is None:
        return Gpu(name, None)
    written = ".".join(map(str, capability))
    return Gpu(name, written, has_code=has_code_for(capability, targets))


def has_code_for(capability: tuple[int, int], targets: Sequence[str]) -> bool:
    """Whether one of a package's targets runs on a GPU of a compute capability without compiling.

    `sm_89` runs on GPUs of capability 8.9 and later 8.x; `compute_90` must be compiled.
    """
    major, minor = capability
    built = [target.removeprefix("sm_") for target in targets if target.startswith("sm_")]
    return any(
        each[:-1] == str(major) and int(each[-1]) <= minor for each in built if each.isdecimal()
    )


def use_device(device: str | None) -> None:
    """Set the device of this thread from now on; None for the default."""
    if device is not None:
        tf.device(device).__enter__()


def keep_freed_memory() -> None:
    """Make the C library keep freed memory instead of returning it to the system.

    Every step allocates the same tens of megabytes. glibc maps such blocks again each time, and the
    page faults take a quarter of a step (benchmarks/tries.md). This does nothing without glibc.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(-4, 0)  # M_MMAP_MAX: no block gets its own mapping
        mallopt(-1, -1)  # M_TRIM_THRESHOLD: the heap does not shrink


def machine_fingerprint(path: ComputePath, threads: int) -> dict[str, str]:
    """Return everything that bit-identical results depend on: path, processor and libraries."""
    return {
        **path.facts(),
        "processor": processor_name(),
        "threads": str(threads),
        "numpy": np.__version__,
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }


def format_differences(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Format the differences between two fingerprints; empty if they are equal."""
    names = sorted({*then, *now})
    return ", ".join(
        f"{name} {then.get(name, 'unknown')} then, {now.get(name, 'unknown')} now"
        for name in names
        if then.get(name) != now.get(name)
    )
