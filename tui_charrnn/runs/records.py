"""The records that a trainer writes to events.jsonl: one frozen dataclass per kind, a line each.

Losses are nats per character; `elapsed` is seconds of training, summed over resumes. Every number
is finite and bounded; a non-finite loss is reported by a record of its own (`RunDiverged`).
"""

import json
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Final

from tui_charrnn.runs.json_values import build_checked, decode_json
from tui_charrnn.translation import tr

LARGEST_STEP: Final = 10**15 - 1
"""A float represents it exactly, including what charts add to it."""
LARGEST_NUMBER: Final = 1e39
"""Above the float32 range; sums and squares of such numbers are still finite."""


@dataclass(frozen=True, slots=True)
class Record:
    """A line of events.jsonl."""


def _refuse_unpaired(rule: str, values: tuple[float, ...], keys: tuple[int, ...]) -> None:
    if not keys or len(keys) != len(values):
        raise ValueError(f"{rule}, and one at least. Received: {len(values)} and {len(keys)}.")


@dataclass(frozen=True, slots=True)
class RunStarted(Record):
    """A trainer started on the run, for the first time or again."""

    pid: int
    host: str
    started: str
    """UTC, ISO 8601."""


@dataclass(frozen=True, slots=True)
class BaselinesMeasured(Record):
    """Losses of n-gram models on the same held-out text."""

    orders: tuple[int, ...]
    """Length of the n-grams: 0 uniform, 1 unigram, 2 bigram, ..."""
    losses: tuple[float, ...]
    """Loss of each order, in the same sequence."""

    def __post_init__(self) -> None:
        """Check that there is one loss per order."""
        _refuse_unpaired("Baselines need as many losses as orders", self.losses, self.orders)

    @property
    def best(self) -> tuple[int, float]:
        """The order of the lowest loss, and that loss."""
        loss, order = min(zip(self.losses, self.orders, strict=True))
        return order, loss


@dataclass(frozen=True, slots=True)
class RunPlanned(Record):
    """The planned length of the run; written before the first batch and never changed."""

    total_steps: int
    steps_per_epoch: int
    evaluate_every: int
    """Steps between two evaluations."""
    batch_size: int
    """Parallel streams: the configured number, or fewer on a small corpus."""
    seconds_per_step: float | None
    """Median of the batches timed before training; null if none were."""
    precision: str = ""
    """Precision of matrix products; empty in records of the first versions."""
    bound: str = ""
    """The setting that ends the run: `epochs`, `steps`, `train_time`, or `max_epochs` if that is
    reached first; empty in records of the first versions."""
    learning_rate: float | None = None
    """Peak learning rate for an automatically chosen batch size; null if as configured."""
    shards: int = 0
    """Parts that a batch is split into on a CPU; 0 in records of the first versions."""
    early_evaluations: tuple[int, ...] = ()
    """Steps of evaluations before the first of `evaluate_every`; empty in older records."""
    is_adaptive: bool = False
    """Whether `total_steps` is adjusted to the run's time limit (`RunReplanned`)."""


@dataclass(frozen=True, slots=True)
class RunReplanned(Record):
    """The number of steps of a run limited by time changed, as its speed changed."""

    step: int
    """The first step it applies to; it voids earlier changes from this step on."""
    total_steps: int
    seconds_per_step: float
    """Recent seconds per step, without evaluations."""


@dataclass(frozen=True, slots=True)
class RunExtended(Record):
    """A finished run is extended: its learning rate rises once more, then falls."""

    step: int
    """The first step it applies to."""
    total_steps: int
    """Total of the whole run."""
    warmup_steps: int
    """Steps at its beginning in which the learning rate rises from its last value."""
    learning_rate: float
    """The peak that it rises to."""
    elapsed: float
    """Seconds of training when the extension begins."""
    train_time: float | None = None
    """Time limit of the extension in seconds, to which `total_steps` is adjusted; null if a number
    of steps was given."""


@dataclass(frozen=True, slots=True)
class BatchSizeChosen(Record):
    """Several batch sizes were timed, and one was chosen for the whole run."""

    batch_size: int
    learning_rate: float
    """The peak for this batch size."""
    tried: tuple[int, ...]
    """All timed batch sizes, smallest first."""
    characters_per_second: tuple[float, ...]
    """Speed of each."""
    failure: str = ""
    """Why the next larger one failed, for display; empty if none failed."""

    def __post_init__(self) -> None:
        """Check that there is one speed per batch size."""
        speeds, sizes = self.characters_per_second, self.tried
        _refuse_unpaired("A choice needs as many speeds as batch sizes", speeds, sizes)


@dataclass(frozen=True, slots=True)
class StoppedEarly(Record):
    """The run ends early because the validation loss stopped falling."""

    step: int
    best_step: int
    best_loss: float
    patience: int
    """Number of validations since the best."""


@dataclass(frozen=True, slots=True)
class PathTrial:
    """One compute path that was tried on a GPU before the first batch."""

    layers: str
    """`cudnn`, `handwritten` or `keras`."""
    compiler: str
    """`xla` or `none`."""
    precision: str
    """`float32` or `bfloat16`."""
    seconds_per_step: float | None
    """The fastest measured; null if it was not timed."""
    difference: float | None
    """The largest relative difference from the reference, over loss, gradients, states and the
    update; null if it was not compared."""
    failure: str = ""
    """Why it was rejected; empty if it was not."""


@dataclass(frozen=True, slots=True)
class PathChosen(Record):
    """The compute path chosen on a GPU, and all that were tried; the newest record applies."""

    device: str
    """Name of the GPU."""
    layers: str
    compiler: str
    precision: str
    trials: tuple[PathTrial, ...]
    """The reference first, then in order of the trials."""


@dataclass(frozen=True, slots=True)
class BatchTrained(Record):
    """The optimizer took one step."""

    step: int
    """Batches since the run began, counting from 1."""
    loss: float
    """Mean over the batch, before the update."""
    learning_rate: float
    gradient_norm: float
    """Global norm before clipping."""
    elapsed: float


@dataclass(frozen=True, slots=True)
class SplitEvaluated(Record):
    """The held-out text was evaluated."""

    step: int
    loss: float
    is_best: bool
    elapsed: float


@dataclass(frozen=True, slots=True)
class DynamicallyEvaluated(Record):
    """The held-out text was scored by dynamic evaluation: the weights learned while reading it.

    Not comparable with `SplitEvaluated`, which keeps the weights fixed.
    """

    step: int
    loss: float
    learning_rate: float
    """Learning rate of the updates during the evaluation."""
    seconds: float
    """Duration."""


@dataclass(frozen=True, slots=True)
class ModelCalibrated(Record):
    """After training, a calibration temperature was fitted and stored in the model file, or not.

    Losses are measured on the half of the held-out text that was not used for fitting.
    """

    step: int
    """Step of the model, the best of the run."""
    temperature: float | None
    """Divides the logits; null if none was stored."""
    loss_before: float | None
    """Before calibration, nats per character; null if no temperature was stored."""
    loss: float | None
    """After calibration; likewise."""
    fitted_characters: int
    judged_characters: int
    reason: str
    """Why no temperature was stored, for display; empty if one was."""


@dataclass(frozen=True, slots=True)
class SampleTaken(Record):
    """The newest weights continued a pinned seed text; sampling settings never change in a run."""

    step: int
    seed_text: str
    """One of `RunDescription.pinned_seeds`."""
    text: str
    """The generated continuation."""
    rng_seed: int
    """Equal for all samples of a run, so that only the weights differ."""
    temperature: float


@dataclass(frozen=True, slots=True)
class MemoryMeasured(Record):
    """The memory length of the newest weights, on a passage of the held-out text."""

    step: int
    half: int | None
    """Distance in characters beyond which the mean influence is below half of its maximum; null if
    not reached within `reach`."""
    tenth: int | None
    """Likewise for a tenth."""
    reach: int
    """Maximum distance measured, in characters."""
    fading: tuple[float, ...]
    """Norm of the gradient of one loss with respect to h 1, 2, 3 ... steps before it."""


@dataclass(frozen=True, slots=True)
class CheckpointSaved(Record):
    """A checkpoint is durable."""

    step: int
    path: str
    """Relative to the run directory."""
    seconds: float
    """How long training paused for it."""


@dataclass(frozen=True, slots=True)
class ModelPublished(Record):
    """The newest weights were published in `live/` for sampling."""

    step: int
    path: str
    """Relative to the run directory."""


@dataclass(frozen=True, slots=True)
class RequestAnswered(Record):
    """A request in `control/` was carried out or refused."""

    request: str
    accepted: bool
    message: str
    id: str = ""
    """Id of the request; empty in records of the first versions."""


@dataclass(frozen=True, slots=True)
class RunWarned(Record):
    """A warning for the user; training continues."""

    message: str


@dataclass(frozen=True, slots=True)
class RunResumed(Record):
    """Training continues from a checkpoint; readers discard records of later steps."""

    step: int


@dataclass(frozen=True, slots=True)
class LearningRateChanged(Record):
    """The peak learning rate changes from a step on."""

    step: int
    """The first step it applies to; it voids earlier changes from this step on."""
    learning_rate: float
    """The new peak."""
    reason: str
    """`request` or `divergence`."""


@dataclass(frozen=True, slots=True)
class RunRolledBack(Record):
    """A value was not finite: training continues from `to_step` with a lower learning rate.

    Later steps are discarded.
    """

    step: int
    """The step that failed; it was not applied."""
    to_step: int
    """Step of the checkpoint; 0 for the beginning."""
    quantity: str
    """As in `RunDiverged`."""
    value: str
    """`nan`, `inf` or `-inf`."""
    learning_rate: float
    """The new peak, from the step after `to_step`."""
    attempt: int
    """Number of this rollback in the run, from 1."""


@dataclass(frozen=True, slots=True)
class RunDiverged(Record):
    """A value was not finite, and another rollback would not help."""

    step: int
    """The step that failed; for `validation_loss` the step before the evaluation."""
    quantity: str
    """`loss`, `gradient_norm` or `validation_loss`."""
    value: str
    """`nan`, `inf` or `-inf`."""
    learning_rate: float


@dataclass(frozen=True, slots=True)
class RunFailed(Record):
    """Training failed; the traceback, if any, is in trainer.log."""

    message: str
    """For display."""
    cause: str = ""
    """For programs: `memory`, `disk` (full), `text` (missing or changed), or empty."""


@dataclass(frozen=True, slots=True)
class RunPreempted(Record):
    """The trainer must exit before completion; it saves and ends."""

    cause: str
    """Name of the signal, e.g. `SIGTERM`, or `time limit`."""


@dataclass(frozen=True, slots=True)
class RunEnded(Record):
    """The trainer's last record."""

    reason: str
    """finished, stopped, saved (to be resumed), interrupted, diverged or failed."""
    step: int
    best_loss: float | None
    """Lowest validation loss, or None if nothing was evaluated."""
    best_step: int | None
    exit_code: int
    elapsed: float


def format_way(path: PathTrial | PathChosen) -> str:
    """Format a compute path: `cuDNN, float32` or `own layers with XLA, bfloat16`."""
    names = {"cudnn": "cuDNN", "handwritten": tr("own layers"), "keras": tr("Keras's layers")}
    layers = names.get(path.layers, path.layers)
    if path.compiler == "xla":
        layers = tr("{layers} with XLA", layers=layers)
    return f"{layers}, {path.precision}"


KINDS: Final[dict[str, type[Record]]] = {
    "started": RunStarted,
    "baselines": BaselinesMeasured,
    "planned": RunPlanned,
    "replanned": RunReplanned,
    "extended": RunExtended,
    "batch_size_chosen": BatchSizeChosen,
    "path_chosen": PathChosen,
    "batch": BatchTrained,
    "evaluated": SplitEvaluated,
    "stopped_early": StoppedEarly,
    "dynamically_evaluated": DynamicallyEvaluated,
    "calibrated": ModelCalibrated,
    "sampled": SampleTaken,
    "memory_measured": MemoryMeasured,
    "checkpointed": CheckpointSaved,
    "published": ModelPublished,
    "answered": RequestAnswered,
    "warned": RunWarned,
    "resumed": RunResumed,
    "learning_rate_changed": LearningRateChanged,
    "rolled_back": RunRolledBack,
    "diverged": RunDiverged,
    "failed": RunFailed,
    "preempted": RunPreempted,
    "ended": RunEnded,
}
"""Record classes by the `kind` field of a line in events.jsonl."""
_NAMES: Final = {record: kind for kind, record in KINDS.items()}


def encode_record(record: Record, at: datetime | None = None) -> str:
    """Encode a record as one line of JSON, without a line end.

    `at` is the time, for display; batches, which are many, omit it.

    Raises:
        ValueError: If a number in it is not finite.
    """
    values = {"kind": _NAMES[type(record)], **asdict(record)}
    if at is not None and not isinstance(record, BatchTrained):
        values["at"] = at.isoformat(timespec="seconds")
    return json.dumps(values, allow_nan=False, ensure_ascii=True, separators=(",", ":"))


def decode_record(line: str) -> Record | None:
    """Decode a line; return None for a kind that this version does not know.

    Unknown fields are ignored, as a later version may have added them.

    Raises:
        ValueError: If the line is not a record: not JSON, no kind, a missing field, a value of the
            wrong type, or a number out of bounds.
    """
    return build_record(decode_json(line))


def build_record(values: Any) -> Record | None:
    """Build the record of a line from its JSON value, as `decode_record` does."""
    if not isinstance(values, dict) or not isinstance(values.get("kind"), str):
        raise ValueError(f"A record is an object with a kind. Received: {str(values)[:80]}")
    kind = KINDS.get(values["kind"])
    if kind is None:
        return None
    record = build_checked(kind, values)
    for item in fields(record):
        _check_bounds(item.name, getattr(record, item.name))
    return record


def _check_bounds(name: str, value: Any) -> None:
    """Refuse numbers that no run produces and that could overflow in readers."""
    for number in value if isinstance(value, tuple) else (value,):
        if isinstance(number, int) and not 0 <= number <= LARGEST_STEP:
            raise ValueError(f"Counts are 0 to {LARGEST_STEP:,}. Received: {name}={number}")
        if isinstance(number, float) and not abs(number) <= LARGEST_NUMBER:
            raise ValueError(f"Numbers are {LARGEST_NUMBER:g} at most. Received: {name}={number}")
