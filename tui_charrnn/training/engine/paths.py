"""How a run's steps can be computed, and the choice of it on a processor, with its reasons."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.training.engine.precision import Precision, choose_precision
from tui_charrnn.training.machine.devices import Device
from tui_charrnn.training.machine.hardware import (
    STREAMS_PER_SHARD,
    has_bfloat16_instructions,
    shard_count,
    thread_count,
)
from tui_charrnn.training.plan import is_long

STEPS_PER_CALL: Final = 128
"""On a GPU, where the host's look at a step takes as long as the step; `StepsPerCall` finds how
many of them fit a call."""
_BFLOAT16_CAPABILITY: Final = (8, 0)
"""NVIDIA's Ampere; what is older has no products in bfloat16."""

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


@dataclass(frozen=True, slots=True)
class ExplainedPath:
    """A choice with its reasons."""

    path: ComputePath
    reasons: Mapping[str, str]
    """Half a sentence for each name of `ComputePath.facts`."""


def gpu_paths(
    device: Device, model: ModelConfig, precision: str, *, has_records: bool = False
) -> list[ComputePath]:
    """The ways that a network has on a GPU, in the order of `GPU_WAYS`.

    The precision `auto` stands for both. No library resets states within a window, as records
    need it.
    """
    is_bfloat16_known = device.capability is None or device.capability >= _BFLOAT16_CAPABILITY
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
    return ComputePath(device.name, layers, is_compiled, precision, steps_per_call=STEPS_PER_CALL)


def explain_processor_path(
    model: ModelConfig, training: TrainingConfig, size: RunSize, precision: str | None = None
) -> ExplainedPath:
    """Decide how to compute on a processor; the precision of an earlier part of the run is kept."""
    shards, shards_reason = _choose_shards(training.threads, size.batch_size)
    wanted = precision or training.precision
    if wanted in {"float32", "bfloat16"}:
        chosen: Precision = "bfloat16" if wanted == "bfloat16" else "float32"
        precision_reason = "the run was begun in it" if precision else "the settings ask for it"
    else:
        chosen, precision_reason = choose_precision(
            model, size.batch_size // shards, has_bfloat16_instructions()
        )
    is_compiled = is_long(
        model, training, size.vocabulary_size, size.batch_size, size.training_characters
    )
    length = "long enough" if is_compiled else "too short"
    reasons = {
        "device": "TensorFlow sees no GPU that it can use",
        "layers": f"on a processor it is faster than Keras's {model.cell}",
        "compiler": f"the run is {length} to win back the seconds that XLA takes to compile",
        "precision": precision_reason,
        "shards": shards_reason,
    }
    path = ComputePath(is_compiled=is_compiled, precision=chosen, shards=shards)
    return ExplainedPath(path, reasons)


def _choose_shards(threads: int | None, batch_size: int) -> tuple[int, str]:
    count = thread_count(threads)
    shards = shard_count(count, batch_size)
    if shards == count:
        return shards, f"one for each of {count} threads" if count > 1 else "there is one thread"
    return shards, (
        f"{count} threads share a batch of {batch_size}, as parts of fewer than "
        f"{STREAMS_PER_SHARD} streams do not pay"
    )
