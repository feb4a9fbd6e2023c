"""What the process that loads TensorFlow finds out for `charrnn-tui doctor`. No TensorFlow here.

`doctor.py` fills an `Examination` in and prints it as one JSON document; the command reads it.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, TextIO

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.runs.records import PathTrial

ASSUMED_VOCABULARY: Final = 100
"""Different characters of the text that is not known yet."""
ASSUMED_CHARACTERS: Final = 1_000_000
"""Its length."""


@dataclass(frozen=True, slots=True)
class GpuFacts:
    """A GPU that TensorFlow sees."""

    name: str
    capability: str | None
    """NVIDIA's compute capability, as `9.0`; None where it is not known."""
    has_growing_memory: bool
    """Whether its memory is taken as it is needed, rather than all at once."""
    has_code: bool
    """As of `Gpu`: otherwise the first start compiles for minutes."""


@dataclass(frozen=True, slots=True)
class Examination:
    """How a training would be computed here."""

    cuda: str | None
    """Version of CUDA that TensorFlow was built for; None for a build without it."""
    gpus: tuple[GpuFacts, ...]
    path: Mapping[str, str]
    """`ComputePath.facts`."""
    reasons: Mapping[str, str]
    """Half a sentence for each name of the path."""
    threads: int
    """Processor threads that are taken."""
    has_tensor_float_32: bool
    """Whether a GPU may round the factors of float32 products to TensorFloat-32."""
    automatic: tuple[str, str] | None
    """The precision that `auto` takes on a processor, and half a sentence why; None on a GPU."""
    trials: tuple[PathTrial, ...]
    """What was tried to choose from, on a GPU with whole batches."""
    characters: int
    """Read by a step of a trial."""
    trial_seconds: float | None
    """How long two steps of the network took on that device; None if they failed, or if they are
    among the trials."""
    trial_failure: str | None
    """Why they failed."""

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Examination":
        """Read what `to_json` wrote.

        Raises:
            ValueError: If it is something else.
        """
        try:
            values = json.loads(text)
            gpus = tuple(GpuFacts(**gpu) for gpu in values.pop("gpus"))
            trials = tuple(PathTrial(**trial) for trial in values.pop("trials"))
            automatic = values.pop("automatic")
            return cls(
                gpus=gpus,
                trials=trials,
                automatic=None if automatic is None else (str(automatic[0]), str(automatic[1])),
                **values,
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"not an examination: {error}") from error


def encode_settings(model: ModelConfig, training: TrainingConfig) -> str:
    """The settings in question, for the command line of the process that examines."""
    return json.dumps({"model": model.to_mapping(), "training": training.to_mapping()})


def decode_settings(text: str) -> tuple[ModelConfig, TrainingConfig]:
    """Read what `encode_settings` wrote.

    Raises:
        ConfigError: If a setting is not allowed.
    """
    values: dict[str, Any] = json.loads(text)
    return (
        ModelConfig.from_mapping(values["model"]),
        TrainingConfig.from_mapping(values["training"]),
    )


def exclusive_output() -> TextIO:
    """Standard output for us alone: what anybody else writes there goes to standard error."""
    ours = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return ours
