"""What a trainer writes into events.jsonl: one frozen dataclass a kind.

Losses are nats per character, `elapsed` is seconds of work on the run, summed over its resumes.
Every number is finite and bounded; a loss that is not is a record of its own (`RunDiverged`).
"""

from dataclasses import dataclass
from typing import Final

from tui_charrnn.translation import tr

LARGEST_STEP: Final = 10**15 - 1
"""A float holds it exactly, and what a chart adds to it."""
LARGEST_NUMBER: Final = 1e39
"""More than a float32 holds; sums and squares of such numbers are still finite."""


@dataclass(frozen=True, slots=True)
class Record:
    """A line of events.jsonl."""


@dataclass(frozen=True, slots=True)
class RunStarted(Record):
    """A trainer took the run up, for the first time or again."""

    pid: int
    host: str
    started: str
    """UTC, ISO 8601."""


@dataclass(frozen=True, slots=True)
class BaselinesMeasured(Record):
    """What counting alone reaches on the same held-out text."""

    orders: tuple[int, ...]
    """Length of the n-grams: 0 uniform, 1 unigram, 2 bigram, ..."""
    losses: tuple[float, ...]
    """Loss of each order, in the same sequence."""

    def __post_init__(self) -> None:
        """Refuse what cannot be a ladder."""
        if not self.orders or len(self.orders) != len(self.losses):
            raise ValueError(
                "Baselines need as many losses as orders, and one at least. "
                f"Received: {len(self.losses)} and {len(self.orders)}."
            )

    @property
    def best(self) -> tuple[int, float]:
        """The order with the lowest loss, and that loss."""
        loss, order = min(zip(self.losses, self.orders, strict=True))
        return order, loss


@dataclass(frozen=True, slots=True)
class RunPlanned(Record):
    """How long the run will be; written before the first batch, and never changed after it."""

    total_steps: int
    steps_per_epoch: int
    evaluate_every: int
    """Steps between two evaluations."""
    batch_size: int
    """Streams side by side: the configured number, or fewer on a small corpus."""
    seconds_per_step: float | None
    """Median of the batches that were timed before the first; null if none were."""
    precision: str = ""
    """Of the matrix products, as chosen for the whole run; empty in the first versions' records."""
    bound: str = ""
    """The setting that ends the run: `epochs`, `steps`, `train_time`, or `max_epochs` where that
    comes first; empty in the first versions' records."""
    learning_rate: float | None = None
    """The peak that goes with a batch size that was chosen; null where it is as configured."""
    shards: int = 0
    """Parts that a batch is cut into on a processor; 0 in the first versions' records."""
    early_evaluations: tuple[int, ...] = ()
    """Steps of evaluations before the first of `evaluate_every`; empty in earlier records."""
    is_adaptive: bool = False
    """Whether `total_steps` is fitted to the run's time as it goes on (`RunReplanned`)."""


@dataclass(frozen=True, slots=True)
class RunReplanned(Record):
    """The run by time has another number of steps, as its steps take longer or less long."""

    step: int
    """The first that is trained by it; earlier changes from this step on are void."""
    total_steps: int
    seconds_per_step: float
    """What a step took lately, evaluations left out."""


@dataclass(frozen=True, slots=True)
class RunExtended(Record):
    """A run that was finished is to go on: its learning rate rises once more, then falls."""

    step: int
    """The first that is trained by it."""
    total_steps: int
    """Of the whole run."""
    warmup_steps: int
    """So many at its beginning, in which the rate rises from where it was."""
    learning_rate: float
    """The peak that it rises to."""
    elapsed: float
    """Of the run, when it begins."""
    train_time: float | None = None
    """Seconds that it is given, which `total_steps` is fitted to; null if steps were given."""


@dataclass(frozen=True, slots=True)
class BatchSizeChosen(Record):
    """Batch sizes were timed, one after another, and one was taken for the whole run."""

    batch_size: int
    learning_rate: float
    """The peak that goes with it."""
    tried: tuple[int, ...]
    """All that were timed, the smallest first."""
    characters_per_second: tuple[float, ...]
    """What each of them reached."""
    failure: str = ""
    """Why the next larger one could not be timed, for people; empty if none failed."""

    def __post_init__(self) -> None:
        """Refuse what cannot be a choice."""
        if not self.tried or len(self.tried) != len(self.characters_per_second):
            raise ValueError(
                "A choice needs as many speeds as batch sizes, and one at least. Received: "
                f"{len(self.characters_per_second)} and {len(self.tried)}."
            )


@dataclass(frozen=True, slots=True)
class StoppedEarly(Record):
    """The run ends before its plan: the validation loss has not fallen any more."""

    step: int
    best_step: int
    best_loss: float
    patience: int
    """Validations since the best."""


@dataclass(frozen=True, slots=True)
class PathTrial:
    """One way to compute that was tried on a GPU before the first batch."""

    layers: str
    """`cudnn`, `handwritten` or `keras`."""
    compiler: str
    """`xla` or `none`."""
    precision: str
    """`float32` or `bfloat16`."""
    seconds_per_step: float | None
    """The fastest that was measured; null if it was not timed."""
    difference: float | None
    """The largest from the reference, of loss, gradients, states and the step, relative to each;
    null if it was not compared."""
    failure: str = ""
    """Why it was dropped; empty if it was not."""


@dataclass(frozen=True, slots=True)
class PathChosen(Record):
    """Which way a trainer computes in on a GPU, and what was tried; the newest record holds."""

    device: str
    """Name of the GPU."""
    layers: str
    compiler: str
    precision: str
    trials: tuple[PathTrial, ...]
    """The reference first, then in the order in which they were tried."""


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
    """The held-out text was scored."""

    step: int
    loss: float
    is_best: bool
    elapsed: float


@dataclass(frozen=True, slots=True)
class DynamicallyEvaluated(Record):
    """The held-out text was scored with weights that went on learning from it as they read it.

    Not to be compared with `SplitEvaluated`, whose weights stay as they are.
    """

    step: int
    loss: float
    learning_rate: float
    """Size of the learning steps while scoring."""
    seconds: float
    """How long it took."""


@dataclass(frozen=True, slots=True)
class ModelCalibrated(Record):
    """Training is done: what temperature 1 means was fitted, or not, and is in the model's file.

    Losses are of the half of the held-out text that the temperature was not fitted on.
    """

    step: int
    """Of the model, the best of the run."""
    temperature: float | None
    """What its scores are divided by; null if nothing was fitted."""
    loss_before: float | None
    """With the scores as the network gives them, nats per character; null if nothing was fitted."""
    loss: float | None
    """With the scores divided; likewise."""
    fitted_characters: int
    judged_characters: int
    reason: str
    """Why nothing was fitted, for people; empty if it was."""


@dataclass(frozen=True, slots=True)
class SampleTaken(Record):
    """The newest weights continued a pinned seed text; always drawn in the same way."""

    step: int
    seed_text: str
    """As `RunDescription.pinned_seeds` has it."""
    text: str
    """What followed."""
    rng_seed: int
    """The same for every sample of a run, so that only the weights differ."""
    temperature: float


@dataclass(frozen=True, slots=True)
class MemoryMeasured(Record):
    """How far back the newest weights look, in a passage of the held-out text."""

    step: int
    half: int | None
    """Characters back from which on less than a half of the largest mean influence is left; null
    if that is not so within `reach`."""
    tenth: int | None
    """Likewise for a tenth."""
    reach: int
    """Characters back that were looked at."""
    fading: tuple[float, ...]
    """Norm of the gradient of one loss with respect to h 1, 2, 3 ... steps before it."""


@dataclass(frozen=True, slots=True)
class CheckpointSaved(Record):
    """A checkpoint is durable."""

    step: int
    path: str
    """Relative to the run directory."""
    seconds: float
    """How long training stood still for it."""


@dataclass(frozen=True, slots=True)
class ModelPublished(Record):
    """The newest weights lie in `live/` for sampling."""

    step: int
    path: str
    """Relative to the run directory."""


@dataclass(frozen=True, slots=True)
class RequestAnswered(Record):
    """A request from `control/` was carried out or refused."""

    request: str
    accepted: bool
    message: str
    id: str = ""
    """Of the request; empty in the records of the first versions."""


@dataclass(frozen=True, slots=True)
class RunWarned(Record):
    """Something the user should know, that does not stop training."""

    message: str


@dataclass(frozen=True, slots=True)
class RunResumed(Record):
    """Training continues from a checkpoint; readers drop what came after its step."""

    step: int


@dataclass(frozen=True, slots=True)
class LearningRateChanged(Record):
    """The peak of the learning rate is another one from a step on."""

    step: int
    """The first that is trained with it; earlier changes from this step on are void."""
    learning_rate: float
    """The new peak."""
    reason: str
    """`request` or `divergence`."""


@dataclass(frozen=True, slots=True)
class RunRolledBack(Record):
    """A number was not finite: training continues, slower, from `to_step`; the rest is void."""

    step: int
    """The one that failed; it was not applied."""
    to_step: int
    """Of the checkpoint; 0: from the beginning."""
    quantity: str
    """As in `RunDiverged`."""
    value: str
    """`nan`, `inf` or `-inf`."""
    learning_rate: float
    """The new peak, from the step after `to_step` on."""
    attempt: int
    """Counts the rollbacks of the run, from 1."""


@dataclass(frozen=True, slots=True)
class RunDiverged(Record):
    """A number stopped being finite, and going back once more is of no use."""

    step: int
    """The one that failed; for `validation_loss` the one after which the text was scored."""
    quantity: str
    """`loss`, `gradient_norm` or `validation_loss`."""
    value: str
    """`nan`, `inf` or `-inf`."""
    learning_rate: float


@dataclass(frozen=True, slots=True)
class RunFailed(Record):
    """Training ended by a failure; the traceback, if any, is in trainer.log."""

    message: str
    """For people."""
    cause: str = ""
    """For programs: `memory`, `disk` (no room), `text` (missing or not the same), or empty."""


@dataclass(frozen=True, slots=True)
class RunPreempted(Record):
    """The trainer had to leave before the work was done; it saves and ends."""

    cause: str
    """Name of the signal, as `SIGTERM`, or `time limit`."""


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
    """A way to compute for people, as `cuDNN, float32` or `own layers with XLA, bfloat16`."""
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
"""The kinds of records, as a line of events.jsonl names them."""
