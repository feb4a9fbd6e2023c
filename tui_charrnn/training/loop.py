"""The training loop: it yields records and accesses no files, so tests can use plain lists."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from tui_charrnn.config import TrainingConfig
from tui_charrnn.model.weights import Float32
from tui_charrnn.runs.records import BatchTrained, RunDiverged, SplitEvaluated
from tui_charrnn.text.batches import ContiguousStreams
from tui_charrnn.text.numbered_text import IndexedText
from tui_charrnn.training.plan import Plan, RateChange, learning_rate_at

Indices: TypeAlias = npt.NDArray[np.int32]
Windows: TypeAlias = Iterable[tuple[Indices, Indices, Float32]]
"""Inputs, targets and weights, each of shape (R, T); weight 0 pads."""


class Batch(NamedTuple):
    """The input of one training step."""

    inputs: Indices
    """Shape (B, T)."""
    targets: Indices
    """The inputs shifted by one. Shape (B, T)."""
    carried: Float32
    """1 where a stream keeps its state, 0 where it is reset. Shape (B,)."""

    added_dropout: float = 0.0
    """Added to the configured dropout rate."""


class BatchResult(NamedTuple):
    """The result of one training step."""

    loss: float
    """Mean over the batch before the update, nats per character."""
    gradient_norm: float
    """Global norm before clipping."""


@dataclass(slots=True)
class Progress:
    """The progress of a run, which checkpoints store."""

    step: int = 0
    evaluated_step: int = 0
    """The last step with an evaluation."""

    validation_loss: float | None = None
    """The loss at that step."""
    best_loss: float | None = None
    best_step: int | None = None
    elapsed: float = 0.0
    """Seconds of training, summed over resumes."""

    changes: tuple[RateChange, ...] = ()
    """Learning rate changes, ordered by step."""

    rollbacks: int = 0
    """Number of rollbacks after a non-finite value."""

    @property
    def position(self) -> tuple[int, int, tuple[RateChange, ...], int]:
        """The fields that further training depends on."""
        return self.step, self.evaluated_step, self.changes, self.rollbacks

    def go_back_to(self, then: "Progress") -> None:
        """Go back to an earlier progress, but keep elapsed time, changes and rollbacks."""
        self.step, self.evaluated_step = then.step, then.evaluated_step
        self.validation_loss = then.validation_loss
        self.best_loss, self.best_step = then.best_loss, then.best_step


class TrainingEngine(Protocol):
    """The engine interface that the loop needs."""

    steps_per_call: int
    """Maximum number of steps in one call."""

    def train_batches(
        self, batches: Sequence[Batch], first_step: int, learning_rates: Sequence[float]
    ) -> list[BatchResult]:
        """Take optimizer steps until one has a non-finite loss or gradient; its result is last."""

    def evaluate(self, windows: Windows, should_stop: Callable[[], bool]) -> float | None:
        """Return the loss of held-out text; None if `should_stop` interrupted it."""


class RunEngine(TrainingEngine, Protocol):
    """An engine whose state can be saved and restored."""

    @property
    def newest_step(self) -> int:
        """The last step taken since a restore; 0 before the first."""

    def evaluate_dynamically(
        self, windows: Windows, learning_rate: float, should_stop: Callable[[], bool]
    ) -> float | None:
        """Return the loss of held-out text, with weights that learn while reading it."""

    def model_tensors(self) -> dict[str, Float32]:
        """Return copies of the weights by name."""

    def training_tensors(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return copies of the other tensors for a resume, including all B streams' states."""

    def restore(
        self, weights: Mapping[str, Float32], training: Mapping[str, npt.NDArray[np.generic]]
    ) -> None:
        """Restore the tensors of a checkpoint."""

    def reset(self) -> None:
        """Go back to the state before the first step."""


@dataclass(frozen=True, slots=True)
class Material:
    """The training and held-out data of a run."""

    streams: ContiguousStreams
    heldout: Windows
    followed: Windows = ()
    """The held-out text in few streams, for dynamic evaluation."""

    units_per_character: float = 1.0
    """Multiplies losses, so that losses per jamo and per syllable are comparable."""
    tail: IndexedText | None = None
    """The held-out text, shape (M,), for calibration."""

    @property
    def batch_size(self) -> int:
        """B: the configured one, or smaller for a small corpus."""
        return self.streams.batch_size


def train(  # noqa: PLR0913 (the parts of a training; two are optional)
    engine: TrainingEngine,
    material: Material,
    config: TrainingConfig,
    plan: Plan,
    progress: Progress,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[BatchTrained | SplitEvaluated | RunDiverged]:
    """Train until the plan ends, the loss stops falling, a value is not finite, or asked to stop.

    `progress` is updated before each record is yielded, so the caller may save a checkpoint or stop
    after any record, unless the engine is ahead: after a call of several steps, their records
    follow one by one. No call crosses an evaluation or the end of an epoch. `should_stop` is called
    before every call of the engine and within evaluations, and may stop the `clock`, which gives
    the seconds of training.

    Yields:
        `BatchTrained` for every step, `SplitEvaluated` after the planned ones; `RunDiverged`
        last if a loss or the gradient is not finite (progress, weights and states are then those
        before the step or the evaluation, so continuing would fail in the same way).
    """
    started = clock() - progress.elapsed
    steps, ahead = 1, BatchesAhead(partial(batch_at, material, config))
    records: Iterable[BatchTrained | SplitEvaluated | RunDiverged]
    while not should_stop():
        if plan.is_evaluated(progress.step) and progress.evaluated_step < progress.step:
            loss = engine.evaluate(material.heldout, should_stop)
            if loss is None:
                return
            loss *= material.units_per_character
            progress.elapsed = clock() - started
            rate = planned_rate(progress.step, plan, config, progress)
            records = [_note_evaluation(progress, loss, rate, plan)]
        elif has_stopped_gaining(progress, plan, config):
            return
        elif progress.step < plan.total_steps:
            first = progress.step + 1
            count = min(steps, plan.steps_to_turn(progress.step))
            rates = [
                planned_rate(step, plan, config, progress) for step in range(first, first + count)
            ]
            begun = clock()
            results = engine.train_batches(ahead.take(first, count), first, rates)
            seconds = clock() - begun
            steps = adapted_steps(steps, seconds / count, engine.steps_per_call)
            results = [
                result._replace(loss=result.loss * material.units_per_character)
                for result in results
            ]
            records = _note_batches(progress, results, rates, (begun - started, seconds))
        else:
            return
        for record in records:
            yield record
            if isinstance(record, RunDiverged):
                return


def has_stopped_gaining(progress: Progress, plan: Plan, config: TrainingConfig) -> bool:
    """Whether a run stops early: no improvement in the last `stop_early` validations.

    It depends only on the progress, so a resumed run ends at the same step.
    """
    step, best = progress.step, progress.best_step
    if config.stop_early is None or best is None or progress.evaluated_step != step:
        return False
    best = max(best, *plan.earlier_ends) if plan.extensions else best  # restart per extension
    since_best = plan.evaluations_until(step) - plan.evaluations_until(best)
    return step < plan.total_steps and since_best >= config.stop_early


def planned_rate(step: int, plan: Plan, config: TrainingConfig, progress: Progress) -> float:
    """Return the learning rate of a step, with all changes of rate and length applied."""
    return learning_rate_at(
        step, plan.first_total, config, progress.changes, plan.horizons, plan.extensions
    )


MOST_GROWN_DROPOUT: Final = 0.7
"""Upper limit of the growing dropout rate."""


def batch_at(material: Material, config: TrainingConfig, step: int) -> Batch:
    """Return the batch of a step, as a pure function of the step.

    All streams start with a zero state at the start of an epoch, and a few random ones at every
    other step: generation starts with a zero state, and a network that rarely saw one in training
    generates noise after a seed text. With records this is not needed: each starts with zeros.
    """
    inputs, targets = material.streams.batch(step)
    if material.streams.starts_epoch(step):
        carried = np.zeros(len(inputs), np.float32)
    elif config.has_records:
        carried = np.ones(len(inputs), np.float32)
    else:
        # Raw bits: NumPy guarantees that those of a bit generator never change.
        bits = np.random.Philox(key=[config.rng_seed, step]).random_raw(len(inputs))
        carried = (bits * 2.0**-64 >= config.cold_start_fraction).astype(np.float32)
    return Batch(inputs, targets, carried, _added_dropout(material, config, step))


def _added_dropout(material: Material, config: TrainingConfig, step: int) -> float:
    """Return the dropout that is added at a step.

    It grows with the number of epochs, as overfitting does.
    """
    if not config.dropout:
        return 0.0
    grown = config.dropout_growth * (step - 1) / material.streams.steps_per_epoch
    return max(0.0, min(grown, MOST_GROWN_DROPOUT - config.dropout))


def _note_batches(
    progress: Progress,
    results: Sequence[BatchResult],
    rates: Sequence[float],
    time_taken: tuple[float, float],
) -> Iterator[BatchTrained | RunDiverged]:
    """Yield the records of one call; `time_taken` is its start and duration in seconds.

    Only the whole call is timed, so each step is assigned an equal share.
    """
    begun, seconds = time_taken
    for number, (result, rate) in enumerate(zip(results, rates, strict=False), start=1):
        progress.elapsed = begun + seconds * number / len(results)
        step = progress.step + 1
        for quantity, value in result._asdict().items():
            if not math.isfinite(value):
                yield RunDiverged(step, quantity, repr(value), rate)
                return
        progress.step = step
        loss, norm = map(_shortened, result)
        yield BatchTrained(step, loss, rate, norm, round(progress.elapsed, 6))


def _shortened(value: float) -> float:
    """Round a float32 to the nine digits that identify it.

    As a double, JSON would write 17 digits, which takes a fifth more disk space in a long run.
    """
    return float(f"{value:.9g}")


def _note_evaluation(
    progress: Progress, loss: float, learning_rate: float, plan: Plan
) -> SplitEvaluated | RunDiverged:
    if not math.isfinite(loss):
        return RunDiverged(progress.step, "validation_loss", repr(loss), learning_rate)
    is_lowest = progress.best_loss is None or loss < progress.best_loss
    is_best = is_lowest and not plan.is_early(progress.step)  # early steps have no checkpoint
    if is_best:
        progress.best_loss, progress.best_step = loss, progress.step
    progress.evaluated_step, progress.validation_loss = progress.step, loss
    return SplitEvaluated(progress.step, loss, is_best, progress.elapsed)


CALL_TIME: Final = 0.1
"""Maximum seconds of a call, which is how long a request waits."""


def adapted_steps(steps: int, seconds_per_step: float, limit: int) -> int:
    """Adapt the number of steps per call to `CALL_TIME`, up to a limit.

    A call that was slow for another reason (e.g. tracing) only halves it.
    """
    expected = seconds_per_step * steps
    if expected > CALL_TIME:
        return max(1, steps // 2)
    return min(limit, 2 * steps) if 2 * expected <= CALL_TIME else steps


_Batch = TypeVar("_Batch")


class BatchesAhead(Generic[_Batch]):
    """Prefetches batches in a thread: after `take`, as many of the following steps.

    A batch is a function of its step, so a missing one is made on request, and an unused one is
    dropped. The thread ends when this object is deleted.
    """

    def __init__(self, make: Callable[[int], _Batch]) -> None:
        self._make = make
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._ahead: dict[int, Future[_Batch]] = {}

    def take(self, first_step: int, count: int) -> list[_Batch]:
        """Return the batches of `count` steps, and prefetch the next ones if there are several."""
        end = first_step + count
        batches = [
            self._ahead[step].result() if step in self._ahead else self._make(step)
            for step in range(first_step, end)
        ]
        self._ahead = {
            step: self._ahead.get(step) or self._thread.submit(self._make, step)
            for step in range(end, end + count if count > 1 else end)  # one is made in no time
        }
        return batches
