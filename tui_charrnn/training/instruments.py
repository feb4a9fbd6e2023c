"""What a session does with the weights that are scored, in NumPy; the training is not touched.

Samples, always drawn in the same way, show how the text changes; a passage of the held-out text
shows how far back the weights look. When training is done, the temperature of the best model is
fitted once, on the file that was saved; a run that was killed just then does it once more.
"""

from collections.abc import Callable
from dataclasses import asdict
from io import BytesIO
from typing import Final

import numpy as np

from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import CharRNNError, DataError, ModelFileError
from tui_charrnn.generation.calibration import calibrate
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.hangul import INITIALS
from tui_charrnn.lens.influence import Passage, decay_distance
from tui_charrnn.model.checkpoint import Model, parse_model, with_calibration
from tui_charrnn.model.weights import Indices, weights_from_tensors
from tui_charrnn.runs.checkpoints import best_or_newest, replace_model
from tui_charrnn.runs.file_system import open_to_read
from tui_charrnn.runs.records import MemoryMeasured, ModelCalibrated, RunWarned, SampleTaken
from tui_charrnn.text.corpus import SEED_LENGTH, SEED_LIMIT
from tui_charrnn.training.context import RunContext
from tui_charrnn.training.loop import Windows
from tui_charrnn.training.machine import thread_count

SAMPLE_LENGTH: Final = 200
"""Characters that follow a seed."""
SAMPLING_TIME: Final = 5.0
"""Seconds after which no other seed is sampled: the cost of a large network at an evaluation."""
_RNG_SEED: Final = 0
_TEMPERATURE: Final = 0.8


class Samples:
    """Samples from the weights that are scored, after each pinned seed of the run.

    What was sampled at the step that the run continues from is not sampled again.
    """

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._engine, self._writer = context.engine, context.writer
        self._taken = {(context.history.step, seed) for seed in context.history.sampled}
        self._has_warned = False

    def sample(self, step: int, should_stop: Callable[[], bool]) -> float:
        """Sample the seeds that were not sampled at this step; returns the seconds that it took."""
        clock = self._context.clock
        began = clock.now()
        description = self._context.description
        # what reads both directions cannot write
        pinned = [] if description.model.reads_both else description.pinned_seeds[:SEED_LIMIT]
        missing = [seed for seed in pinned if (step, seed) not in self._taken]
        if missing:
            stream = self._open_stream()
            for count, seed in enumerate(missing):
                if should_stop():
                    break
                if clock.now() - began >= SAMPLING_TIME:
                    self._report_left_out(count, len(missing))
                    break
                self._take(stream, step, seed)
        return clock.now() - began

    def forget_after(self, step: int) -> None:
        """Return to a step: what comes after it is sampled again."""
        self._taken = {(at, seed) for at, seed in self._taken if at <= step}

    def _report_left_out(self, count: int, wanted: int) -> None:
        if not self._has_warned:
            message = (
                f"Sampling takes long: of {wanted} pinned seeds {count} can be sampled within "
                f"{SAMPLING_TIME:g} s, so the others are left out."
            )
            self._writer.append(RunWarned(message))
            self._has_warned = True

    def _open_stream(self) -> CharacterStream:
        description = self._context.description
        weights = weights_from_tensors(self._engine.model_tensors(), description.model)
        corpus = {"units": description.corpus.units}
        model = Model(description.model, self._context.vocabulary, weights, corpus, training={})
        return CharacterStream(model, SamplingConfig(temperature=_TEMPERATURE, rng_seed=_RNG_SEED))

    def _take(self, stream: CharacterStream, step: int, seed: str) -> None:
        self._taken.add((step, seed))
        stream.prime(seed[:SEED_LENGTH])
        try:
            text = "".join(stream.next().character for _ in range(SAMPLE_LENGTH))
            text += stream.next().character if text[-1] in INITIALS else ""
        except ModelFileError as error:  # it is far from what it was scored on, and overflows
            self._writer.append(RunWarned(f"Nothing was sampled at step {step:,}: {error}"))
            return
        self._writer.append(SampleTaken(step, seed, text, _RNG_SEED, _TEMPERATURE))


REACH: Final = 100
"""Characters back that are looked at."""
TARGETS: Final = 24
"""Characters that are looked back from."""
_LENGTH: Final = 240
"""Characters of the passage."""
_FADING: Final = 64
"""Steps back of which the gradient is recorded one by one."""
MOST: Final = 0.01
"""Share of the work on the run that all measurements together may take."""
_OPERATIONS: Final = 5e10
"""Of a processor in a second, to foresee what the first measurement takes."""


class MemoryMeter:
    """Measures how far back the weights look that are scored."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._engine, self._writer = context.engine, context.writer
        self._passage: Indices | None = None
        products = 2 * context.description.parameter_count * (_LENGTH + REACH * TARGETS)
        self._expected = products / _OPERATIONS
        """Seconds that the next measurement takes."""
        self._spent = 0.0

    def measure(self, step: int, elapsed: float) -> float:
        """Record how far back the weights look, unless it takes too large a share of the work.

        `elapsed` is in seconds of work on the run; returns the seconds that it took.
        """
        description = self._context.description
        # the one has no past alone, the other none beyond a record
        if description.model.reads_both or description.training.has_records:
            return 0.0
        if self._spent + self._expected > MOST * elapsed:
            return 0.0
        if self._passage is None:
            self._passage = first_row(self._context.material.heldout, _LENGTH)
        if len(self._passage) < 3:
            return 0.0
        clock = self._context.clock
        began = clock.now()
        record = self._record(step, self._passage)
        self._expected = clock.now() - began
        self._spent += self._expected
        if record is not None:
            self._writer.append(record)
        return self._expected

    def _record(self, step: int, indices: Indices) -> MemoryMeasured | None:
        """What is measured; None where a number is not finite."""
        config = self._context.description.model
        weights = weights_from_tensors(self._engine.model_tensors(), config)
        reach = min(REACH, len(indices) // 2)
        places = np.unique(np.linspace(reach, len(indices) - 1, TARGETS).astype(np.intp))
        try:
            found = Passage(weights, config, indices).influence(places, reach)
        except ModelFileError:  # the score will show it
            return None
        curve, fading = found.inputs.mean(axis=0), found.hidden[-1, :_FADING]
        if not (np.isfinite(curve).all() and np.isfinite(fading).all()):
            return None
        return MemoryMeasured(
            step,
            decay_distance(curve, 0.5),
            decay_distance(curve, 0.1),
            reach,
            tuple(float(f"{norm:.4g}") for norm in fading),
        )


def first_row(windows: Windows, length: int) -> Indices:
    """The first characters of the held-out text, in one row; fewer than `length` if it is short."""
    parts: list[Indices] = []
    for inputs, _, weights in windows:
        parts.append(np.asarray(inputs[0])[np.asarray(weights[0]) > 0].astype(np.intp))
        if sum(map(len, parts)) >= length:
            break
    return np.concatenate([*parts, np.zeros(0, np.intp)])[:length]


def calibrate_best(context: RunContext, step: int) -> ModelCalibrated:
    """Calibrate the model of a run that ended at a step, and replace its file.

    The file stays as it is where the result has a reason for that.
    """
    run = context.run
    checkpoint, tail = best_or_newest(run), context.material.tail
    try:
        if checkpoint is None or tail is None:
            raise DataError("There is no model, or no held-out text.")
        with open_to_read(checkpoint.model, inside=run.path) as file:
            data = file.buffered().read()
        model = parse_model(BytesIO(data), len(data), checkpoint.model)
        found = model.training.get("step")
        step = found if isinstance(found, int) else step
        units, training = context.material.units_per_character, context.description.training
        fitted = calibrate(model, tail, units, threads=thread_count(training.threads))
        keep = training.keep_checkpoints
        replace_model(run, checkpoint, with_calibration(data, fitted), keep=keep)
    except (CharRNNError, OSError, MemoryError) as error:
        reason = str(error) or "There is not enough memory."
        return ModelCalibrated(step, None, None, None, 0, 0, reason)
    return ModelCalibrated(step, **asdict(fitted), reason="")
