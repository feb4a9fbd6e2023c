"""The choice of a path: how a run's steps are computed on a device, and why so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.model.weights import GATE_COUNTS
from tui_charrnn.training.call_length import CALL_TIME
from tui_charrnn.training.devices import Device
from tui_charrnn.training.machine import STREAMS_PER_SHARD, shard_count, thread_count
from tui_charrnn.training.precision import WORTHWHILE_GAIN, measure_gain
from tui_charrnn.training.run_length import is_long

STEPS_PER_CALL: Final = 32
"""On a path where the host's look at a step takes as long as the step."""
_BFLOAT16_CAPABILITY: Final = (8, 0)  # Ampere

Layers: TypeAlias = Literal["handwritten", "cudnn", "keras"]
Precision: TypeAlias = Literal["float32", "bfloat16"]


@dataclass(frozen=True, slots=True)
class ComputePath:
    """How the steps of a run are computed; what the bits of its result depend on."""

    device: str = "CPU"
    """Name of the GPU, or `CPU`."""
    layers: Layers = "handwritten"
    is_compiled: bool = False
    """Whether XLA compiles the step, or on a processor in bfloat16 what is between its products."""
    precision: Precision = "float32"
    shards: int = 1
    """Parts of a batch that are computed side by side, each in a thread."""
    steps_per_call: int = 1
    """At most so many steps go between two looks of the host at what the device computes. Nothing
    of the result depends on it. More than one takes a batch in one shard, and no XLA."""

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
    gain: float | None = None
    """How many times as fast as in float32 the products are in bfloat16; None if nothing hung on
    it."""


def choose_path(
    device: Device,
    model: ModelConfig,
    training: TrainingConfig,
    size: RunSize,
    precision: str | None = None,
) -> ComputePath:
    """Decide how to compute; `explain_path` without the reasons."""
    return explain_path(device, model, training, size, precision).path


def explain_path(
    device: Device,
    model: ModelConfig,
    training: TrainingConfig,
    size: RunSize,
    precision: str | None = None,
) -> ExplainedPath:
    """Decide how to compute, from the settings and what the device offers.

    Args:
        device: As `configure_devices` describes it.
        model: Shape of the network.
        training: Length of the run, precision, threads.
        size: Of the run.
        precision: What an earlier part of the same run was computed in; otherwise `auto` measures.
    """
    layers, layers_reason = _choose_layers(device, model)
    shards, shards_reason = _choose_shards(device, training.threads, size.batch_size)
    wanted, gain = precision or training.precision, None
    if wanted in {"float32", "bfloat16"}:
        chosen: Precision = "bfloat16" if wanted == "bfloat16" else "float32"
        precision_reason = "the run was begun in it" if precision else "the settings ask for it"
    elif device.is_gpu:
        chosen, precision_reason = _choose_gpu_precision(device)
    else:
        streams = size.batch_size // shards
        gain = measure_gain(model.hidden_size, streams, GATE_COUNTS[model.cell])
        chosen, precision_reason = _choose_cpu_precision(gain)
    is_worth_it = is_long(
        model, training, size.vocabulary_size, size.batch_size, size.training_characters
    )
    is_compiled, compiler_reason = _choose_compiler(layers, is_worth_it)
    reasons = {
        "device": _device_reason(device),
        "layers": layers_reason,
        "compiler": compiler_reason,
        "precision": precision_reason,
        "shards": shards_reason,
    }
    steps = STEPS_PER_CALL if layers == "cudnn" else 1
    path = ComputePath(device.name, layers, is_compiled, chosen, shards, steps)
    return ExplainedPath(path, reasons, gain)


def _device_reason(device: Device) -> str:
    if not device.is_gpu:
        return "TensorFlow sees no GPU that it can use"
    others = len(device.gpus) - 1
    return "a GPU is preferred" + (f"; {others} more stay idle" if others else "")


def _choose_layers(device: Device, model: ModelConfig) -> tuple[Layers, str]:
    cell = model.cell
    if not device.is_gpu:
        return "handwritten", f"on a processor it is faster than Keras's {cell}"
    if model.layer_norm:
        return "handwritten", "neither cuDNN nor Keras has an lstm with layer normalization"
    if cell in {"lstm", "gru"}:
        return "cudnn", (
            f"NVIDIA's cuDNN has a kernel for {cell}, which Keras's layer takes; the host looks at "
            f"it after up to {STEPS_PER_CALL} steps or {CALL_TIME:g} s"
        )
    return "keras", f"Keras's layer takes no kernel of cuDNN for {cell}: lstm and gru are faster"


def _choose_shards(device: Device, threads: int | None, batch_size: int) -> tuple[int, str]:
    if device.is_gpu:
        return 1, "a GPU takes a batch as a whole"
    count = thread_count(threads)
    shards = shard_count(count, batch_size)
    if shards == count:
        return shards, f"one for each of {count} threads" if count > 1 else "there is one thread"
    return shards, (
        f"{count} threads share a batch of {batch_size}, as parts of fewer than "
        f"{STREAMS_PER_SHARD} streams do not pay"
    )


def _choose_gpu_precision(device: Device) -> tuple[Precision, str]:
    needed = ".".join(map(str, _BFLOAT16_CAPABILITY))
    if device.capability is None:
        return "float32", f"the compute capability is not known; bfloat16 takes {needed}"
    here = ".".join(map(str, device.capability))
    if device.capability >= _BFLOAT16_CAPABILITY:
        return "bfloat16", f"compute capability {here}; it takes {needed}"
    return "float32", f"compute capability {here}; bfloat16 takes {needed}"


def _choose_cpu_precision(gain: float) -> tuple[Precision, str]:
    measured = f"bfloat16 products measured {gain:.2f} times as fast as float32 ones"
    chosen: Precision = "bfloat16" if gain >= WORTHWHILE_GAIN else "float32"
    return chosen, f"{measured}; {WORTHWHILE_GAIN:g} is what it takes"


def _choose_compiler(layers: Layers, is_worth_it: bool) -> tuple[bool, str]:
    if layers == "cudnn":
        return False, "XLA cannot compile cuDNN's kernels"
    if layers == "keras":
        return False, "compiling Keras's layers has not been found to pay"
    if is_worth_it:
        return True, "the run is long enough to win back the seconds that XLA takes to compile"
    return False, "the run is too short to win back the seconds that XLA takes to compile"
