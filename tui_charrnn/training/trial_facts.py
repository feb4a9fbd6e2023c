"""Requests to the processes of `tasks.py`, and cached results of trials.

Neither TensorFlow nor NumPy is imported here, as the app imports this module.
"""

import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, TypeVar

from tui_charrnn import __version__
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import CharRNNError
from tui_charrnn.runs.json_values import build_checked, decode_json
from tui_charrnn.runs.launcher import trainer_environment
from tui_charrnn.runs.measurements import Measurements
from tui_charrnn.runs.records import PathTrial
from tui_charrnn.training.machine import processor_name, thread_count
from tui_charrnn.training.nvidia import Gpu, driver_cards

ASSUMED_VOCABULARY: Final = 100
"""Assumed vocabulary size of an unknown text."""
ASSUMED_CHARACTERS: Final = 1_000_000
"""Assumed length of an unknown text."""
_TIMINGS: Final = Measurements("timings.json", "timings")
_TIMED_SETTINGS: Final = (
    "sequence_length",
    "optimizer",
    "average_decay",
    "dropout",
    "recurrent_weight_dropout",
    "precision",
)
"""Training settings that affect the time of a step, besides those that `_key` derives."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class TrialSettings:
    """Settings of a trial."""

    model: ModelConfig
    training: TrainingConfig
    vocabulary_size: int = ASSUMED_VOCABULARY
    training_characters: int = ASSUMED_CHARACTERS

    def to_json(self) -> str:
        """Return the settings as JSON, for the command line of the trial process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "TrialSettings":
        """Parse the output of `to_json`.

        Raises:
            ConfigError: If a setting is not allowed.
        """
        values: dict[str, Any] = json.loads(text)
        model = ModelConfig.from_mapping(values.pop("model"))
        return cls(model, TrainingConfig.from_mapping(values.pop("training")), **values)


@dataclass(frozen=True, slots=True)
class Trial:
    """The measurement of a few batches."""

    seconds_per_step: float
    """Median of the timed batches."""
    memory: int
    """Peak memory of the process, in bytes."""

    device: str
    """Compute device for display: the name of a GPU, or `processor, 2 threads`."""

    precision: str
    """Precision of matrix products: `float32` or `bfloat16`."""

    batch_size: int
    """Parallel streams: as configured, or fewer on a small corpus."""

    def __post_init__(self) -> None:
        """Check that the values are possible."""
        if self.seconds_per_step <= 0 or self.batch_size < 1:
            raise ValueError(
                "A trial takes time and has a stream at least. Received: "
                f"seconds_per_step={self.seconds_per_step}, batch_size={self.batch_size}"
            )


@dataclass(frozen=True, slots=True)
class Examination:
    """The compute path of a training on this machine, and its reasons."""

    cuda: str | None
    """CUDA version that TensorFlow was built for; None for a build without CUDA."""
    gpus: tuple[Gpu, ...]
    path: Mapping[str, str]
    """`ComputePath.facts`."""
    reasons: Mapping[str, str]
    """Half a sentence for each entry of the path."""

    threads: int
    """CPU threads in use."""

    has_tensor_float_32: bool
    """Whether a GPU may round the factors of float32 products to TensorFloat-32."""

    automatic: tuple[str, ...] | None
    """The precision that `auto` chooses on a CPU, and half a sentence why; None on a GPU."""

    trials: tuple[PathTrial, ...]
    """Compute paths tried on a GPU, with whole batches."""

    characters: int
    """Characters per step of a trial."""

    trial_seconds: float | None
    """Seconds of two steps on that device; None if they failed, or if they are among the
    trials."""

    trial_failure: str | None
    """Why they failed."""


def encode_result(result: Trial | Examination) -> str:
    """Encode a result as one line for `decode_result`, without a line end."""
    return json.dumps(asdict(result), allow_nan=False)


def decode_result(kind: type[_T], output: str) -> _T:
    """Decode the output of the trial process, a `Trial` or an `Examination`.

    Raises:
        ValueError: If the output is invalid.
    """
    values = decode_json(output)
    if not isinstance(values, dict):
        raise ValueError(f"Expected one JSON object. Received: {output[:80]!r}")
    return build_checked(kind, values)


def task_command(
    kind: Literal["examine", "time", "keras", "tensorboard"], *arguments: str
) -> list[str]:
    """Return the command line of a task with its arguments, which are listed in `tasks.py`."""
    # -P: imports do not depend on the process's working folder.
    return [sys.executable, "-P", "-m", "tui_charrnn.training.tasks", kind, *arguments]


def start_task(command: Sequence[str], *, log_level: int = 2) -> "subprocess.Popen[str]":
    """Start the process of a `task_command`; it takes some seconds, mostly to load TensorFlow.

    Its standard output is for `decode_result`; after a failure, the last lines of standard error
    contain the reason. At `log_level` 2, TensorFlow logs only errors. The caller may kill it.

    Raises:
        OSError: If the process cannot be started.
    """
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        env={**trainer_environment(os.environ), "TF_CPP_MIN_LOG_LEVEL": str(log_level)},
        encoding="utf-8",
        errors="replace",
    )


def recall_trial(settings: TrialSettings) -> Trial | None:
    """Return the cached measurement for settings with the same step time, or None."""
    try:
        values = _TIMINGS.recall().get(_key(settings))
        return build_checked(Trial, values) if isinstance(values, dict) else None
    except (CharRNNError, ValueError):
        return None


def remember_trial(trial: Trial, settings: TrialSettings) -> None:
    """Cache a measurement for `recall_trial`, ignoring errors."""
    with suppress(CharRNNError):
        _TIMINGS.remember(_key(settings), asdict(trial))


def _key(settings: TrialSettings) -> str:
    """Return a digest of everything that affects the time of a step."""
    # deferred: they import NumPy, which the app loads after its first frame
    from tui_charrnn.text.corpus import fitting_batch_size  # noqa: PLC0415 - see above
    from tui_charrnn.training.plan import is_long  # noqa: PLC0415 - see above

    training, characters = settings.training, settings.training_characters
    batch_size = fitting_batch_size(characters, training.batch_size, training.sequence_length)
    versions = {"charrnn-tui": __version__}
    for name in ("tensorflow", "keras"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # not installed under this name
            versions[name] = ""
    factors = {
        "model": settings.model.to_mapping(),
        "vocabulary_size": settings.vocabulary_size,
        "batch_size": batch_size,
        "is_long": is_long(
            settings.model, training, settings.vocabulary_size, batch_size, characters
        ),
        "threads": thread_count(training.threads),
        **{name: getattr(training, name) for name in _TIMED_SETTINGS},
        "processor": processor_name(),
        "gpus": [card.name for card in driver_cards()],
        "visible_gpus": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "versions": versions,
    }
    return hashlib.sha256(json.dumps(factors, sort_keys=True).encode()).hexdigest()
