"""The training loop: it yields records and touches no file, so it can be tested with a list."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
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
    """What one training step reads."""

    inputs: Indices
    """Shape (B, T)."""
    targets: Indices
    """The inputs shifted by one. Shape (B, T)."""
    carried: Float32
    """1 where a stream carries its state on, 0 where it is reset. Shape (B,)."""
    added_dropout: float = 0.0
    """What is added to the share of outputs that the configuration drops."""


class BatchResult(NamedTuple):
    """The result of one training step."""

    loss: float
    """Mean over the batch before the update, nats per character."""
    gradient_norm: float
    """Global norm before clipping."""


@dataclass(slots=True)
class Progress:
    """How far a run has come; a checkpoint holds all of it."""

    step: int = 0
    evaluated_step: int = 0
    """The last step after which the held-out text was scored."""
    validation_loss: float | None = None
    """The loss then."""
    best_loss: float | None = None
    best_step: int | None = None
    elapsed: float = 0.0
    """Seconds of work, summed over resumes."""
    changes: tuple[RateChange, ...] = ()
    """Of the learning rate, in the order of their steps."""
    rollbacks: int = 0
    """How often the run went back because a number was not finite."""

    @property
    def position(self) -> tuple[int, int, tuple[RateChange, ...], int]:
        """What training from here on depends on."""
        return self.step, self.evaluated_step, self.changes, self.rollbacks

    def go_back_to(self, then: "Progress") -> None:
        """Stand where the run stood then; time, changes and rollbacks are not undone."""
        self.step, self.evaluated_step = then.step, then.evaluated_step
        self.validation_loss = then.validation_loss
        self.best_loss, self.best_step = then.best_loss, then.best_step


class TrainingEngine(Protocol):
    """What the loop needs of an engine."""

    steps_per_call: int
    """At most so many steps are taken in one call."""

    def train_batch(self, batch: Batch, step: int, learning_rate: float) -> BatchResult:
        """Take one optimizer step, unless its loss or gradient is not finite."""

    def train_batches(
        self, batches: Sequence[Batch], first_step: int, learning_rates: Sequence[float]
    ) -> list[BatchResult]:
        """Take steps up to the first whose loss or gradient is not finite; its result is last."""

    def evaluate(self, windows: Windows, should_stop: Callable[[], bool]) -> float | None:
        """Score held-out text, or return None if asked to stop."""


class RunEngine(TrainingEngine, Protocol):
    """An engine whose state can be saved and restored."""

    @property
    def newest_step(self) -> int:
        """The last that was taken since a restore; 0 before the first."""

    def evaluate_dynamically(
        self, windows: Windows, learning_rate: float, should_stop: Callable[[], bool]
    ) -> float | None:
        """Score held-out text with weights that continue to learn from it."""

    def model_tensors(self) -> dict[str, Float32]:
        """Copies of the weights by name."""

    def training_tensors(self) -> dict[str, npt.NDArray[np.generic]]:
        """Copies of what resuming needs besides, the states of all B streams with it."""

    def restore(
        self, weights: Mapping[str, Float32], training: Mapping[str, npt.NDArray[np.generic]]
    ) -> None:
        """Restore what a checkpoint holds."""

    def reset(self) -> None:
        """Go back to the state before the first step."""


@dataclass(frozen=True, slots=True)
class Material:
    """What a run trains on and is judged by."""

    streams: ContiguousStreams
    heldout: Windows
    followed: Windows = ()
    """The held-out text in few streams, for dynamic evaluation."""
    units_per_character: float = 1.0
    """What the losses are multiplied by, so that jamo and whole syllables can be compared."""
    tail: IndexedText | None = None
    """The held-out text, shape (M,), for calibration."""


def train(  # noqa: PLR0913 (what a loop takes: two of them tests leave out)
    engine: TrainingEngine,
    material: Material,
    config: TrainingConfig,
    plan: Plan,
    progress: Progress,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[BatchTrained | SplitEvaluated | RunDiverged]:
    """Train until the plan is fulfilled, nothing is gained, a loss is not finite, or asked to stop.

    `progress` is brought up to date before each record is yielded, so whoever consumes the
    records may save a checkpoint, or walk away, between any two of them, unless the engine is
    ahead of it: where steps are taken several in a call, their records follow one by one. No call
    continues beyond an evaluation or the end of an epoch.

    Args:
        engine: Holds weights, optimizer and carried states.
        material: Contiguous streams to train on, windows of held-out text.
        config: For the learning rate, and the patience of `has_stopped_gaining`.
        plan: How many steps, and after which of them the held-out text is scored.
        progress: Where to continue from; modified.
        should_stop: Asked before every call of the engine, and within evaluations.
        clock: Seconds of work; it may stand still within `should_stop`.

    Yields:
        `BatchTrained` for every step, `SplitEvaluated` after the planned ones; `RunDiverged`
        last if a loss or the gradient is not finite (progress, weights and states then stand
        before the step or the evaluation, so going on from there would end the same way).
    """
    started = clock() - progress.elapsed
    call, take_batches = StepsPerCall(engine.steps_per_call), batch_source(engine, material, config)
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
            count = min(call.steps, plan.steps_to_turn(progress.step))
            rates = [
                planned_rate(step, plan, config, progress) for step in range(first, first + count)
            ]
            begun = clock()
            results = _take_steps(engine, take_batches(first, count), first, rates)
            seconds = clock() - begun
            call.note(count, seconds)
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
    """Whether a run ends before its plan, as `stop_early` validations were no better than the best.

    It is a function of the progress, so a run that is resumed ends where it would have ended.
    """
    step, best = progress.step, progress.best_step
    if config.stop_early is None or best is None or progress.evaluated_step != step:
        return False
    best = max(best, *plan.earlier_ends) if plan.extensions else best  # each has its patience
    since_best = plan.evaluations_until(step) - plan.evaluations_until(best)
    return step < plan.total_steps and since_best >= config.stop_early


def planned_rate(step: int, plan: Plan, config: TrainingConfig, progress: Progress) -> float:
    """The learning rate of a step, with all changes of the rate and of the length."""
    return learning_rate_at(
        step, plan.first_total, config, progress.changes, plan.horizons, plan.extensions
    )


def _take_steps(
    engine: TrainingEngine, batches: Sequence[Batch], first: int, rates: Sequence[float]
) -> list[BatchResult]:
    if len(rates) == 1:
        return [engine.train_batch(batches[0], first, rates[0])]
    return engine.train_batches(batches, first, rates)


def batch_source(
    engine: TrainingEngine, material: Material, config: TrainingConfig
) -> Callable[[int, int], list[Batch]]:
    """What gives the batches from a step on, and how many: ahead of time where calls are long."""

    def make(step: int) -> Batch:
        return batch_at(material, config, step)

    if engine.steps_per_call > 1:
        return BatchesAhead(make).take
    return lambda first, count: [make(step) for step in range(first, first + count)]


MOST_GROWN_DROPOUT: Final = 0.7
"""Where the dropout stops growing."""


def batch_at(material: Material, config: TrainingConfig, step: int) -> Batch:
    """The batch of a step, a pure function of it.

    Every stream starts from nothing where an epoch starts. Elsewhere a few do, drawn anew for
    each step: generation begins with a zero state, and a network that has hardly ever met one
    falls into noise after a seed text. Records need none of that: each begins with a zero state.
    """
    inputs, targets = material.streams.batch(step)
    if material.streams.starts_epoch(step):
        carried = np.zeros(len(inputs), np.float32)
    elif config.has_records:
        carried = np.ones(len(inputs), np.float32)
    else:
        # Raw bits: NumPy promises never to change those of a bit generator.
        bits = np.random.Philox(key=[config.rng_seed, step]).random_raw(len(inputs))
        carried = (bits * 2.0**-64 >= config.cold_start_fraction).astype(np.float32)
    return Batch(inputs, targets, carried, _added_dropout(material, config, step))


def _added_dropout(material: Material, config: TrainingConfig, step: int) -> float:
    """What the passes over the text so far add to the dropout of a step.

    The more often a text was read, the more of it is known by heart.
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
    """The records of one call that began at a second of the run and took so many.

    The host has seen only the whole call: each of its steps is given the same share of the time.
    """
    begun, seconds = time_taken
    for number, (result, rate) in enumerate(zip(results, rates, strict=False), start=1):
        progress.elapsed = begun + seconds * number / len(results)
        yield _note_batch(progress, result, rate)


def _note_batch(
    progress: Progress, result: BatchResult, learning_rate: float
) -> BatchTrained | RunDiverged:
    step = progress.step + 1
    for quantity, value in result._asdict().items():
        if not math.isfinite(value):
            return RunDiverged(step, quantity, repr(value), learning_rate)
    progress.step = step
    loss, norm = _shortened(result.loss), _shortened(result.gradient_norm)
    return BatchTrained(step, loss, learning_rate, norm, round(progress.elapsed, 6))


def _shortened(value: float) -> float:
    """A float32 in the nine digits that identify it.

    As the double that it is on the way, it would be written in seventeen; with a record a step that
    is a fifth of a long run on the disk.
    """
    return float(f"{value:.9g}")


def _note_evaluation(
    progress: Progress, loss: float, learning_rate: float, plan: Plan
) -> SplitEvaluated | RunDiverged:
    if not math.isfinite(loss):
        return RunDiverged(progress.step, "validation_loss", repr(loss), learning_rate)
    is_lowest = progress.best_loss is None or loss < progress.best_loss
    is_best = is_lowest and not plan.is_early(progress.step)  # no checkpoint is saved of those
    if is_best:
        progress.best_loss, progress.best_step = loss, progress.step
    progress.evaluated_step, progress.validation_loss = progress.step, loss
    return SplitEvaluated(progress.step, loss, is_best, progress.elapsed)


CALL_TIME: Final = 0.1
"""Seconds that a call takes at most: as long as a request waits."""


class StepsPerCall:
    """As many steps as fit `CALL_TIME`, up to a limit, found while training.

    A call that took long for another reason (the first is traced) only halves it.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.steps = 1
        """Of the next call."""

    def note(self, steps: int, seconds: float) -> None:
        """A call of so many steps took so long."""
        expected = seconds / steps * self.steps
        if expected > CALL_TIME:
            self.steps = max(1, self.steps // 2)
        elif 2 * expected <= CALL_TIME:
            self.steps = min(self._limit, 2 * self.steps)


_Batch = TypeVar("_Batch")


class BatchesAhead(Generic[_Batch]):
    """Prepares in a thread what is likely to be asked for next: as many batches, right after.

    A batch is a function of its step, so one that was not foreseen is made on request, and one that
    was foreseen wrongly is dropped. The thread ends when nobody holds this any more.
    """

    def __init__(self, make: Callable[[int], _Batch]) -> None:
        self._make = make
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._ahead: dict[int, Future[_Batch]] = {}

    def take(self, first_step: int, count: int) -> list[_Batch]:
        """The batches of so many steps."""
        end = first_step + count
        batches = [
            self._ahead[step].result() if step in self._ahead else self._make(step)
            for step in range(first_step, end)
        ]
        self._ahead = {
            step: self._ahead.get(step) or self._thread.submit(self._make, step)
            for step in range(end, end + count)
        }
        return batches
