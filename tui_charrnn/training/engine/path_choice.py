"""The choice of a compute path: on a CPU by rules, on a GPU by trials.

A trial takes the same steps from the same weights, with the engine that a run trains with, and
compares losses, gradients, carried states and weight updates with those of the reference path. A
path is rejected if it raises, gives non-finite values, or differs by more than its precision
explains.
"""

import gc
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import never_cancelled
from tui_charrnn.runs.records import PathChosen, PathTrial
from tui_charrnn.training.engine.engine import Engine
from tui_charrnn.training.engine.paths import (
    ComputePath,
    Device,
    Precision,
    RunSize,
    gpu_paths,
    reference_path,
)
from tui_charrnn.training.engine.precision import choose_precision
from tui_charrnn.training.failures import one_line
from tui_charrnn.training.loop import CALL_TIME, Batch, BatchResult
from tui_charrnn.training.machine import (
    STREAMS_PER_SHARD,
    has_bfloat16_instructions,
    shard_count,
    thread_count,
)
from tui_charrnn.training.plan import is_long

DIFFERENCE_LIMITS: Final = {"float32": 0.02, "bfloat16": 0.1}
"""Maximum difference of losses, gradients and states from the reference, by precision. Measured:
0.003 with factors rounded to TF32, 0.025 in bfloat16; a wrong gradient differs by about 1."""

MOVE_LIMIT: Final = 0.3
"""Maximum difference of weight updates: Adam's first steps have equal length for any gradient, so
for the smallest gradients rounding determines their sign."""

_FLOOR: Final = 1e-3
"""Smaller gradients, relative to the norm of all, are compared as if they had this norm."""

_TIMED: Final = 0.4
"""Seconds of timed steps per path."""

_CHECKED_RATES: Final = (0.0, 0.0, 1.0)
"""Learning rates of the checked steps, as multiples of the run's: only the last step changes the
weights."""

Numbers: TypeAlias = Mapping[str, npt.NDArray[np.float32]]
"""Results of steps: losses and norms, mean gradients of the optimizer, states, weight updates."""


class PathTester:
    """Tries compute paths with random characters; the first that works is the reference."""

    def __init__(self, model: ModelConfig, training: TrainingConfig, size: RunSize) -> None:
        self._config = (model, training, size.vocabulary_size, size.batch_size)
        self._rates = [training.learning_rate * share for share in _CHECKED_RATES]
        self._batches = random_batches(training, size, len(_CHECKED_RATES))
        self._reference: Numbers | None = None

    def try_path(self, path: ComputePath) -> tuple[PathTrial, Engine | None]:
        """Check a path, and time it if its results are right.

        Returns:
            The trial and its engine, which must be reset before a run; None if the trial failed.
        """
        engine, seconds, difference = None, None, None
        try:
            with _exact_products(is_wanted=self._reference is None):
                engine = Engine(*self._config, path)
                numbers = self._take_checked_steps(engine)
            if self._reference is None:
                self._reference = numbers
            name, difference, limit = _find_difference(numbers, self._reference, path.precision)
            if difference <= limit:
                failure, seconds = "", self._time(engine)
            else:
                failure = (
                    f"its {name} is {difference:.2g} away from the reference's; "
                    f"{limit:g} is allowed in {path.precision}"
                )
        except Exception as error:  # noqa: BLE001  no error of a trial may end the training
            failure = one_line(error)
        if failure:
            engine = None
            gc.collect()  # it holds device memory in a reference cycle
        facts = path.facts()
        trial = PathTrial(
            facts["layers"], facts["compiler"], path.precision, seconds, difference, failure
        )
        return trial, engine

    def _take_checked_steps(self, engine: Engine) -> Numbers:
        """Take the checked steps; raises `ArithmeticError` if a result is not finite."""
        before = _weights(engine)
        results = engine.train_batches(self._batches, 1, self._rates)
        refuse_infinite(results)
        moved = [(_weights(engine)[name] - before[name]).ravel() for name in before]
        left = engine.training_tensors()
        losses, norms = np.array(results, np.float32).T
        return {
            "loss": losses,
            "gradient norm": norms,
            "step": np.concatenate(moved),
            **{name: left[name] for name in left if name.startswith(("state.", _GRADIENT))},
        }

    def _time(self, engine: Engine) -> float:
        """Return the seconds per step, in calls as long as in training, with learning rate 0."""
        count, fastest, ending = 1, math.inf, time.monotonic() + _TIMED
        while time.monotonic() < ending:
            started = time.monotonic()
            refuse_infinite(engine.train_batches(self._batches[:1] * count, 1, [0.0] * count))
            taken = time.monotonic() - started
            fastest = min(fastest, taken / count)
            if 2 * taken <= CALL_TIME:
                count = min(2 * count, engine.steps_per_call)
        return fastest


_GRADIENT: Final = "optimizer.moment1."


def _weights(engine: Engine) -> Mapping[str, npt.NDArray[Any]]:
    """Return the trained weights by name."""
    prefix = "trained."
    trained = {
        name.removeprefix(prefix): values
        for name, values in engine.training_tensors().items()
        if name.startswith(prefix)
    }
    return trained or engine.model_tensors()


def _find_difference(found: Numbers, expected: Numbers, precision: str) -> tuple[str, float, float]:
    """Return the name, difference and limit of the tensor that differs most, relative to its limit.

    A difference is the norm of the difference of two tensors, relative to the norm of the second.
    """
    whole = math.sqrt(
        sum(_norm(each) ** 2 for name, each in expected.items() if name.startswith(_GRADIENT))
    )
    differences = []
    for name, values in expected.items():
        floor = _FLOOR * whole if name.startswith(_GRADIENT) else 0.0
        difference = _norm(found[name] - values) / max(_norm(values), floor, 1e-30)
        limit = MOVE_LIMIT if name == "step" else DIFFERENCE_LIMITS[precision]
        label = name.replace(_GRADIENT, "gradient of ").replace("state.", "state ")
        differences.append((label, difference, limit))
    return max(differences, key=lambda each: each[1] / each[2])


def _norm(values: npt.NDArray[Any]) -> float:
    return float(np.linalg.norm(values.astype(np.float64)))


def refuse_infinite(results: Sequence[BatchResult]) -> None:
    """Raise `ArithmeticError` if a loss or the norm of a gradient is not finite."""
    for loss, norm in results:
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise ArithmeticError(f"the loss is {loss} and the norm of its gradient {norm}")


def random_batches(training: TrainingConfig, size: RunSize, count: int) -> list[Batch]:
    """Return random batches, with a few streams reset in each."""
    random = np.random.default_rng(0)
    shape = (count, size.batch_size, training.sequence_length + 1)
    texts = random.integers(0, size.vocabulary_size, shape, dtype=np.int32)
    carried = (random.random((count, size.batch_size)) < 0.9).astype(np.float32)
    return [
        Batch(text[:, :-1], text[:, 1:], streams)
        for text, streams in zip(texts, carried, strict=True)
    ]


@contextmanager
def _exact_products(*, is_wanted: bool) -> Iterator[None]:
    """Disable the rounding of float32 factors to TF32 on GPUs, if wanted."""
    config = tf.config.experimental
    was_enabled = config.tensor_float_32_execution_enabled()
    config.enable_tensor_float_32_execution(was_enabled and not is_wanted)
    try:
        yield
    finally:
        config.enable_tensor_float_32_execution(was_enabled)


TRIAL_BUDGET: Final = 15.0
"""Seconds for trials after the reference, whose trial includes the device's initialization. Once a
path works, no trial starts that would exceed this budget if it took as long as the longest."""
RECORDED_FACTS: Final = ("device", "layers", "compiler", "precision")
"""Entries of `ComputePath.facts` that are fields of `PathChosen`, in its order."""
_COMPILER_REASONS: Final = {
    "cudnn": "XLA cannot compile cuDNN's kernels; it compiles the optimizer",
    "handwritten": "XLA compiles the whole step",
    "keras": "XLA compiles the optimizer",
}


@dataclass(frozen=True, slots=True)
class PathChoice:
    """A compute path with its reasons, and on a GPU the trials."""

    path: ComputePath
    reasons: Mapping[str, str]
    """Half a sentence for each entry of `ComputePath.facts`."""

    trials: tuple[PathTrial, ...] = ()
    """The reference first, then in order of the trials."""

    engine: Engine | None = None
    """The tried engine, reset for reuse, as building another takes seconds."""

    @property
    def record(self) -> PathChosen | None:
        """The record of the choice; None on a CPU, where nothing was tried."""
        if not self.trials:
            return None
        facts = self.path.facts()
        return PathChosen(**{name: facts[name] for name in RECORDED_FACTS}, trials=self.trials)


def choose_path(
    device: Device,
    model: ModelConfig,
    training: TrainingConfig,
    size: RunSize,
    recorded: Mapping[str, str] | None = None,
    check_cancelled: Callable[[], None] = never_cancelled,
) -> PathChoice:
    """Choose the compute path for the settings and the device.

    `recorded` is `ComputePath.facts` of an earlier trainer of the run: its precision is kept, and
    on a GPU its path if that still works.
    """
    recorded = recorded or {}
    if not device.is_gpu:
        kept = recorded.get("precision") or None
        return choose_on_processor(model, training, size, kept)
    reference = reference_path(device)
    wanted = recorded.get("precision") or training.precision
    paths = gpu_paths(device, model, wanted, has_records=training.has_records)
    earlier = [path for path in (reference, *paths) if _is_way_of(path, recorded)]
    tester = PathTester(model, training, size)
    trials, path, engine = _try_paths(tester, reference, paths, earlier, check_cancelled)
    if engine is not None:
        engine.reset()
    if path in earlier:
        reason = "the run was started with it"
    elif path in paths:
        reason = f"the fastest of the {len(trials)} ways that were tried here"
    else:
        reason = "the reference, as no other way works here"
    reasons = {
        "device": _device_reason(device),
        "layers": reason,
        "compiler": _COMPILER_REASONS[path.layers] if path in paths else reason,
        "precision": reason if training.precision == "auto" else "the settings ask for it",
        "shards": "a GPU takes a batch as a whole",
    }
    return PathChoice(path, reasons, tuple(trials), engine)


def choose_on_processor(
    model: ModelConfig, training: TrainingConfig, size: RunSize, precision: str | None
) -> PathChoice:
    """Choose the compute path on a CPU; `precision` is that of an earlier trainer, to keep."""
    shards, shards_reason = _choose_shards(training.threads, size.batch_size)
    wanted = precision or training.precision
    if wanted in {"float32", "bfloat16"}:
        chosen: Precision = "bfloat16" if wanted == "bfloat16" else "float32"
        precision_reason = "the run was started with it" if precision else "the settings ask for it"
    else:
        chosen, precision_reason = choose_precision(
            model, size.batch_size // shards, has_bfloat16_instructions()
        )
    is_compiled = is_long(model, training, *size)
    length = "long enough" if is_compiled else "too short"
    reasons = {
        "device": "TensorFlow sees no GPU that it can use",
        "layers": f"on a processor it is faster than Keras's {model.cell}",
        "compiler": f"the run is {length} to make up for the seconds that XLA takes to compile",
        "precision": precision_reason,
        "shards": shards_reason,
    }
    path = ComputePath(is_compiled=is_compiled, precision=chosen, shards=shards)
    return PathChoice(path, reasons)


def _choose_shards(threads: int | None, batch_size: int) -> tuple[int, str]:
    count = thread_count(threads)
    shards = shard_count(count, batch_size)
    if shards == count:
        return shards, f"one for each of {count} threads" if count > 1 else "there is one thread"
    return shards, (
        f"{count} threads share a batch of {batch_size}, as parts of fewer than "
        f"{STREAMS_PER_SHARD} streams do not pay"
    )


def _try_paths(
    tester: PathTester,
    reference: ComputePath,
    paths: Sequence[ComputePath],
    earlier: Sequence[ComputePath],
    check_cancelled: Callable[[], None],
) -> tuple[list[PathTrial], ComputePath, Engine | None]:
    """Try the reference, then the run's earlier path, and if that fails all others.

    Returns:
        The trials, the path to use, and its engine; the reference and None if none works.
    """
    trials: list[PathTrial] = []
    best, best_engine, fastest = reference, None, math.inf
    spent, longest = 0.0, 0.0
    for path in dict.fromkeys((reference, *earlier, *paths)):
        check_cancelled()
        if best != reference and spent + longest > TRIAL_BUDGET:
            break
        started = time.monotonic()
        trial, engine = tester.try_path(path)
        if trials:
            taken = time.monotonic() - started
            spent, longest = spent + taken, max(longest, taken)
        trials.append(trial)
        if engine is None:
            continue
        if path in earlier:
            return trials, path, engine
        seconds = trial.seconds_per_step or math.inf
        if best == reference or seconds < fastest:  # only the best engine stays in memory
            best, best_engine, fastest = path, engine, seconds
    return trials, best, best_engine


def _is_way_of(path: ComputePath, recorded: Mapping[str, str]) -> bool:
    facts = path.facts()
    was_gpu = recorded.get("device", "CPU") != "CPU"
    return was_gpu and all(recorded.get(name) == facts[name] for name in RECORDED_FACTS[1:])


def _device_reason(device: Device) -> str:
    others = len(device.gpus) - 1
    return "a GPU is preferred" + (f"; {others} more stay idle" if others else "")
