"""An answer of a process that loaded TensorFlow, and a process that answers something else."""

import sys
from dataclasses import replace

from tui_charrnn.runs.records import PathTrial
from tui_charrnn.training.nvidia import Gpu
from tui_charrnn.training.trial_facts import Examination

NAMES = ("device", "layers", "compiler", "precision", "shards")
ON_CPU = Examination(
    cuda="12.5.1",
    gpus=(),
    path=dict(zip(NAMES, ("CPU", "handwritten", "xla", "float32", "2"), strict=True)),
    reasons={name: f"a reason for {name}" for name in NAMES},
    threads=2,
    has_tensor_float_32=True,
    automatic=("float32", "a reason of auto"),
    trials=(),
    characters=2048,
    trial_seconds=0.7,
    trial_failure=None,
)
ON_GPU = replace(
    ON_CPU,
    gpus=(Gpu("NVIDIA A10", "8.6"),),
    path=dict(zip(NAMES, ("NVIDIA A10", "cudnn", "none", "float32", "1"), strict=True)),
    automatic=None,
    trials=(
        PathTrial("handwritten", "none", "float32", 0.2, 0.0),
        PathTrial("cudnn", "none", "float32", 0.00192, 0.0021),
        PathTrial("keras", "none", "bfloat16", None, None, "ValueError: no"),
    ),
)


def python(code: str) -> list[str]:
    """The command line of a process that does that in place of examining."""
    return [sys.executable, "-c", code]
