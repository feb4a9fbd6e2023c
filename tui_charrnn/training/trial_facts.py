"""What a process that loads TensorFlow finds out before anything is trained: asked for, and kept.

Neither TensorFlow nor NumPy is loaded here: the app reads this. `diagnosis.py` is the process.
"""

import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from tui_charrnn import __version__
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import CharRNNError
from tui_charrnn.folders import cache_folder
from tui_charrnn.runs.json_values import build_checked, decode_json, encode_json, read_bounded
from tui_charrnn.runs.launcher import trainer_environment
from tui_charrnn.runs.records import PathTrial
from tui_charrnn.runs.storage import Storage
from tui_charrnn.training.machine import driver_cards, processor_name, thread_count

ASSUMED_VOCABULARY: Final = 100
"""Different characters of a text that is not known yet."""
ASSUMED_CHARACTERS: Final = 1_000_000
"""Its length."""
ENTRY_LIMIT: Final = 200
"""Measurements that are kept, the newest."""
_FORMAT: Final = 1
_SIZE_LIMIT: Final = 1 << 20  # bytes; 200 entries take 60,000
_MATTERING: Final = (
    "sequence_length",
    "optimizer",
    "average_decay",
    "dropout",
    "recurrent_weight_dropout",
    "precision",
)
"""Settings of a training that a step's time depends on, besides those that `_key` works out."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class TrialSettings:
    """What is tried."""

    model: ModelConfig
    training: TrainingConfig
    vocabulary_size: int = ASSUMED_VOCABULARY
    training_characters: int = ASSUMED_CHARACTERS

    def to_json(self) -> str:
        """For the command line of the process that tries."""
        values = {"model": self.model.to_mapping(), "training": self.training.to_mapping()}
        sizes = {name: getattr(self, name) for name in ("vocabulary_size", "training_characters")}
        return json.dumps(values | sizes)

    @classmethod
    def from_json(cls, text: str) -> "TrialSettings":
        """Read what `to_json` wrote.

        Raises:
            ConfigError: If a setting is not allowed.
        """
        values: dict[str, Any] = json.loads(text)
        model = ModelConfig.from_mapping(values.pop("model"))
        return cls(model, TrainingConfig.from_mapping(values.pop("training")), **values)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a few batches took."""

    seconds_per_step: float
    """Median of the timed batches."""
    parameter_count: int
    """Numbers that are learned."""
    memory: int
    """Bytes that the process held at most."""
    device: str
    """What it computed on, for people: the name of a GPU, or `processor, 2 threads`."""
    precision: str
    """Of the matrix products: `float32` or `bfloat16`."""
    batch_size: int
    """Streams side by side: as configured, or fewer on a small corpus."""

    def __post_init__(self) -> None:
        """Refuse what was not measured."""
        if self.seconds_per_step <= 0 or self.batch_size < 1:
            raise ValueError(
                "A trial takes time and has a stream at least. Received: "
                f"seconds_per_step={self.seconds_per_step}, batch_size={self.batch_size}"
            )


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
    automatic: tuple[str, ...] | None
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


def encode_result(result: Trial | Examination) -> str:
    """A result as the one line that `decode_result` reads, without its end."""
    return json.dumps(asdict(result), allow_nan=False)


def decode_result(kind: type[_T], output: str) -> _T:
    """Read what the process printed, a `Trial` or an `Examination`.

    Raises:
        ValueError: If it is something else.
    """
    values = decode_json(output)
    if not isinstance(values, dict):
        raise ValueError(f"Expected one JSON object. Received: {output[:80]!r}")
    return build_checked(kind, values)


def trial_command(kind: Literal["examine", "time"], settings: TrialSettings) -> list[str]:
    """The command line of the process that examines or times; it prints one line."""
    # -P: what is imported never depends on the folder that the process runs in.
    module = (sys.executable, "-P", "-m", "tui_charrnn.training.diagnosis")
    return [*module, kind, settings.to_json()]


def start_trial(settings: TrialSettings) -> "subprocess.Popen[str]":
    """Start the process that times batches: some seconds, nearly all for loading TensorFlow.

    Of what `communicate` returns, standard output is a `Trial` for `decode_result`; of standard
    error, the last lines say why there is none. Whoever no longer wants to know kills it.

    Raises:
        OSError: If the process cannot be started.
    """
    return subprocess.Popen(
        trial_command("time", settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        env={**trainer_environment(os.environ), "TF_CPP_MIN_LOG_LEVEL": "2"},
        text=True,
        encoding="utf-8",
        errors="replace",
    )


def timings_file() -> Path:
    """Where measurements are kept: in the user's cache.

    Raises:
        ConfigError: If CHARRNN_CACHE names no path.
    """
    return cache_folder() / "timings.json"


def recall_trial(settings: TrialSettings) -> Trial | None:
    """What was measured on this machine before with settings that are as fast, or None."""
    try:
        values = _read_timings(timings_file()).get(_key(settings))
        return build_checked(Trial, values) if isinstance(values, dict) else None
    except (CharRNNError, OSError, ValueError):
        return None


def remember_trial(trial: Trial, settings: TrialSettings) -> None:
    """Keep a measurement for `recall_trial`; a disk that refuses is passed over.

    Of two processes that do so at the same moment, the measurement of one may be lost.
    """
    try:
        path, key = timings_file(), _key(settings)
        timings = _read_timings(path)
        timings.pop(key, None)
        newest = [*timings.items(), (key, asdict(trial))][-ENTRY_LIMIT:]
        storage = Storage()
        storage.make_folder(path.parent)
        document = {"format": _FORMAT, "timings": dict(newest)}
        storage.write_atomically(path, encode_json(document))
    except (CharRNNError, OSError, ValueError):
        return


def _read_timings(path: Path) -> dict[str, Any]:
    """All that is kept, the oldest first; nothing if the file is missing or damaged."""
    try:
        document = decode_json(read_bounded(path, _SIZE_LIMIT))
    except (OSError, ValueError):
        return {}
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        return {}
    timings = document.get("timings")
    return timings if isinstance(timings, dict) else {}


def _key(settings: TrialSettings) -> str:
    """A digest of all that the time of a step depends on."""
    # deferred: NumPy, which the app loads after its first frame
    from tui_charrnn.text.corpus import fitting_batch_size  # noqa: PLC0415 - as said
    from tui_charrnn.training.plan import is_long  # noqa: PLC0415 - as said

    training, characters = settings.training, settings.training_characters
    batch_size = fitting_batch_size(characters, training.batch_size, training.sequence_length)
    versions = {"charrnn-tui": __version__}
    for name in ("tensorflow", "keras"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # under another name, or not at all
            versions[name] = ""
    matters = {
        "model": settings.model.to_mapping(),
        "vocabulary_size": settings.vocabulary_size,
        "batch_size": batch_size,
        "is_long": is_long(
            settings.model, training, settings.vocabulary_size, batch_size, characters
        ),
        "threads": thread_count(training.threads),
        **{name: getattr(training, name) for name in _MATTERING},
        "processor": processor_name(),
        "gpus": [card.name for card in driver_cards()],
        "visible_gpus": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "versions": versions,
    }
    return hashlib.sha256(json.dumps(matters, sort_keys=True).encode()).hexdigest()
