"""Samples of a run's newest weights, always drawn in the same way: how its text changes.

Generation is that of `tui_charrnn.generation`, in NumPy: nothing of the training is touched.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ModelFileError
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.hangul import INITIALS
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import weights_from_tensors
from tui_charrnn.runs.records import RunWarned, SampleTaken
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.text.corpus import SEED_LENGTH, SEED_LIMIT
from tui_charrnn.training.context import RunContext
from tui_charrnn.training.history import History

if TYPE_CHECKING:  # it would bring TensorFlow
    from tui_charrnn.training.context import RunEngine

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

    def __init__(
        self, context: RunContext, engine: "RunEngine", writer: RunWriter, history: History
    ) -> None:
        self._context = context
        self._engine = engine
        self._writer = writer
        self._taken = {(history.step, seed) for seed in history.sampled}
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
