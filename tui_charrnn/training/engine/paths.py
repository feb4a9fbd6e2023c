"""What TensorFlow computes on here, and how a run's steps can be computed on it."""

import contextlib
import ctypes
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import keras
import tensorflow as tf

from tui_charrnn.config import ModelConfig
from tui_charrnn.training.engine.precision import Precision
from tui_charrnn.training.machine import shard_count, thread_count

STEPS_PER_CALL: Final = 128
"""On a GPU, where the host's look at a step takes as long as the step; `StepsPerCall` finds how
many of them fit a call."""
_BFLOAT16_CAPABILITY: Final = (8, 0)
"""NVIDIA's Ampere; what is older has no products in bfloat16."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU that TensorFlow can use."""

    name: str
    capability: tuple[int, int] | None
    """NVIDIA's compute capability; None where it is not known."""
    has_code: bool = True
    """Whether TensorFlow's package holds code for it; otherwise NVIDIA's driver compiles it from an
    intermediate language, which takes minutes at the first start and is kept on the disk."""


@dataclass(frozen=True, slots=True)
class Device:
    """What a training computes on: the first GPU, or the processor where there is none."""

    gpus: tuple[Gpu, ...] = ()

    @property
    def is_gpu(self) -> bool:
        """Whether it is a GPU."""
        return bool(self.gpus)

    @property
    def taken(self) -> Gpu:
        """The GPU that is taken; one of the name `CPU` where there is none."""
        return self.gpus[0] if self.gpus else Gpu("CPU", None)


Layers: TypeAlias = Literal["handwritten", "cudnn", "keras"]

Way: TypeAlias = tuple[Layers, bool, Precision]
"""Layers, whether XLA compiles the step, precision."""

GPU_WAYS: Final[tuple[Way, ...]] = (
    ("cudnn", False, "float32"),
    ("handwritten", True, "bfloat16"),
    ("handwritten", True, "float32"),
    ("cudnn", False, "bfloat16"),
    ("keras", False, "float32"),
    ("keras", False, "bfloat16"),
)
"""How a GPU can compute, in the order in which it is tried. XLA cannot compile cuDNN's kernels. In
float32 a GPU may round factors to TF32."""


@dataclass(frozen=True, slots=True)
class ComputePath:
    """How the steps of a run are computed; what the bits of its result depend on."""

    device: str = "CPU"
    """Name of the GPU, or `CPU`."""
    layers: Layers = "handwritten"
    is_compiled: bool = False
    """Whether XLA compiles the step, or on a processor in bfloat16 what is between its products.
    On a GPU it compiles the optimizer in any case."""
    precision: Precision = "float32"
    shards: int = 1
    """Parts of a batch that are computed side by side, each in a thread."""
    steps_per_call: int = 1
    """At most so many steps go between two looks of the host at what the device computes. Nothing
    of the result depends on it. More than one takes a batch in one shard, on a GPU."""

    @property
    def is_gpu(self) -> bool:
        """Whether it is made for a GPU."""
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
        """By name, for the fingerprint of a checkpoint."""
        return {
            "device": self.device,
            "layers": self.layers,
            "compiler": "xla" if self.is_compiled else "none",
            "precision": self.precision,
            "shards": str(self.shards),
        }


@dataclass(frozen=True, slots=True)
class RunSize:
    """What a run's text makes of its settings."""

    vocabulary_size: int
    batch_size: int
    """B, which may be smaller than configured."""
    training_characters: int


def gpu_paths(
    device: Device, model: ModelConfig, precision: str, *, has_records: bool = False
) -> list[ComputePath]:
    """The ways that a network has on a GPU, in the order of `GPU_WAYS`.

    The precision `auto` stands for both. No library resets states within a window, as records
    need it.
    """
    capability = device.taken.capability
    is_bfloat16_known = capability is None or capability >= _BFLOAT16_CAPABILITY
    return [
        _gpu_path(device, way)
        for way in GPU_WAYS
        if precision in {"auto", way[2]}
        and (way[0] == "handwritten" or not (model.layer_norm or model.reads_both or has_records))
        and (way[0] != "keras" or model.cell != "rnn")  # it has no kernel of cuDNN there
        and (way[2] == "float32" or is_bfloat16_known)
    ]


def reference_path(device: Device) -> ComputePath:
    """The way that the others are compared with on a GPU: with the least that could be wrong."""
    return _gpu_path(device, ("handwritten", False, "float32"))


def _gpu_path(device: Device, way: Way) -> ComputePath:
    layers, is_compiled, precision = way
    return ComputePath(
        device.taken.name, layers, is_compiled, precision, steps_per_call=STEPS_PER_CALL
    )


def format_device(name: str, threads: int) -> str:
    """What a training computes on, for people."""
    return f"processor, {threads} thread{'s' if threads > 1 else ''}" if name == "CPU" else name


def configure_devices(threads: int | None, batch_size: int) -> Device:
    """Set threads and memory before TensorFlow's first operation, and describe the device.

    None takes all threads that this process may use; each part of a batch has a share of them.
    """
    keep_freed_memory()
    count = thread_count(threads)
    shards = shard_count(count, batch_size)
    with contextlib.suppress(RuntimeError):  # once a process: a second training takes what it finds
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
    return Gpu(name, capability, capability is None or has_code_for(capability, targets))


def has_code_for(capability: tuple[int, int], targets: Sequence[str]) -> bool:
    """Whether one of a package's targets runs on a GPU of a compute capability as it is.

    `sm_89` runs on GPUs of the same major number from there on; `compute_90` has to be compiled.
    """
    major, minor = capability
    built = [target.removeprefix("sm_") for target in targets if target.startswith("sm_")]
    return any(
        each[:-1] == str(major) and int(each[-1]) <= minor for each in built if each.isdecimal()
    )


def use_device(device: str | None) -> None:
    """Let this thread compute on a device from now on; None: on the one it takes by itself."""
    if device is not None:
        tf.device(device).__enter__()


def keep_freed_memory() -> None:
    """Let the C library keep what is freed instead of giving it back to the system.

    Every step asks for the same tens of megabytes again. glibc maps such blocks anew each time,
    and the page faults take a quarter of a step (benchmarks/tries.md). Elsewhere than on Linux
    with glibc this does nothing.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(-4, 0)  # M_MMAP_MAX: no block is a mapping of its own
        mallopt(-1, -1)  # M_TRIM_THRESHOLD: the heap does not shrink


def library_versions() -> dict[str, str]:
    """The libraries that the bits of a result depend on."""
    return {"tensorflow": tf.__version__, "keras": keras.__version__}
