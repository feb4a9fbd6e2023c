"""Samples, memory measurement and calibration, computed in NumPy without affecting training.

Samples with fixed settings show how the generated text changes; a passage of the held-out text
shows the memory length of the weights. After training, the temperature of the best model is fitted
on its saved file; if the run is killed during this, a resume repeats it.
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
from tui_charrnn.lens.influence import ForwardPass, decay_distance
from tui_charrnn.model.checkpoint import Model, parse_model, with_calibration
from tui_charrnn.model.weights import Indices, weights_from_tensors
from tui_charrnn.runs.checkpoints import best_or_newest, replace_model
from tui_charrnn.runs.file_system import open_to_read
from tui_charrnn.runs.records import MemoryMeasured, ModelCalibrated, SampleTaken
from tui_charrnn.text.corpus import SEED_LENGTH, SEED_LIMIT
from tui_charrnn.training.context import RunContext
from tui_charrnn.training.machine import thread_count

SAMPLE_LENGTH: Final = 200
"""Characters to sample after a seed."""
SAMPLING_TIME: Final = 5.0
"""Seconds per evaluation after which no other seed is sampled, to limit large networks."""
_RNG_SEED: Final = 0
_TEMPERATURE: Final = 0.8


class Samples:
    """Samples from the evaluated weights for each pinned seed of the run.

    Seeds already sampled at the step that the run resumes from are skipped.
    """

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._engine, self._writer = context.engine, context.writer
        self._taken = {(context.history.step, seed) for seed in context.history.sampled}
        self._has_warned = False

    def sample(self, step: int, should_stop: Callable[[], bool]) -> float:
        """Sample the seeds not yet sampled at this step, and return the seconds taken."""
        clock = self._context.clock
        began = clock.now()
        description = self._context.description
        # a bidirectional model cannot generate
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
        """Go back to a step: later steps will be sampled again."""
        self._taken = {(at, seed) for at, seed in self._taken if at <= step}

    def _report_left_out(self, count: int, wanted: int) -> None:
        if not self._has_warned:
            self._writer.warn(
                f"Sampling takes long: of {wanted} pinned seeds {count} can be sampled within "
                f"{SAMPLING_TIME:g} s, so the others are left out."
            )
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
        except ModelFileError as error:  # overflow, far from the evaluated text
            self._writer.warn(f"Nothing was sampled at step {step:,}: {error}")
            return
        self._writer.append(SampleTaken(step, seed, text, _RNG_SEED, _TEMPERATURE))


REACH: Final = 100
"""Maximum distance of the measured influence, in characters."""
TARGETS: Final = 24
"""Number of characters whose past is measured."""
_LENGTH: Final = 240
"""Characters of the passage."""
_FADING: Final = 64
"""Number of steps back whose gradient norms are recorded."""
TIME_SHARE: Final = 0.01
"""Maximum share of the training time for all measurements."""
_OPERATIONS: Final = 5e10
"""Assumed operations per second of a CPU, to estimate the first measurement."""


class MemoryMeter:
    """Measures the memory length of the evaluated weights."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._engine, self._writer = context.engine, context.writer
        products = 2 * context.description.parameter_count * (_LENGTH + REACH * TARGETS)
        self._expected = products / _OPERATIONS
        """Estimated seconds of the next measurement."""
        self._spent = 0.0

    def measure(self, step: int, elapsed: float) -> float:
        """Measure and record the memory length, unless this exceeds `TIME_SHARE`.

        `elapsed` is the run's training time in seconds. Returns the seconds taken.
        """
        description, tail = self._context.description, self._context.material.tail
        # bidirectional models read the future too; with records, the past ends at the record
        if description.model.reads_both or description.training.has_records or tail is None:
            return 0.0
        if self._spent + self._expected > TIME_SHARE * elapsed or len(tail) < 4:
            return 0.0
        clock = self._context.clock
        began = clock.now()
        record = self._record(step, np.asarray(tail[:-1][:_LENGTH], np.intp))
        self._expected = clock.now() - began
        self._spent += self._expected
        if record is not None:
            self._writer.append(record)
        return self._expected

    def _record(self, step: int, indices: Indices) -> MemoryMeasured | None:
        """Return the measurement; None if a number is not finite."""
        config = self._context.description.model
        weights = weights_from_tensors(self._engine.model_tensors(), config)
        reach = min(REACH, len(indices) // 2)
        places = np.unique(np.linspace(reach, len(indices) - 1, TARGETS).astype(np.intp))
        try:
            found = ForwardPass(weights, config, indices).influence(places, reach)
        except ModelFileError:  # the validation loss will show it
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


def calibrate_best(context: RunContext, step: int) -> ModelCalibrated:
    """Calibrate the best model of a run that ended at a step, and replace its file.

    If the result has a `reason`, the file is unchanged.
    """
    run = context.run
    checkpoint, tail = best_or_newest(run), context.material.tail
    try:
        if checkpoint is None or tail is None:
            raise DataError("There is no model, or no held-out text.")
        with open_to_read(checkpoint.model, inside=run.path) as file:
            data = file.buffered().read()
        model = parse_model(BytesIO(data), checkpoint.model)
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
