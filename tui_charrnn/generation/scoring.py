"""How surprising a text is to a model: bits for every character, of texts of any length.

One stream reads a text as generation does, its state carried from the first character to the last.
Several streams read a block of text side by side, each a stretch of its own: far faster, and nearly
the same, as each reads the `WARM_UP` characters before its stretch first.

Dynamic evaluation is the score of a model that learns from the text that it has just been scored
on. Every character is predicted before anything is learned from it, so the score is fair; but it is
that of a model that adapts, and is kept apart from the plain one everywhere. Only the output layer
learns here, by plain steps against the gradient: that needs no way back through the network, nor
the optimizer's variables, which a model file does not have. A trainer can score its held-out text
with all weights learning (`dynamic_evaluation_rate`); its rate is another.

Notation: N characters of a block, M of them as indices of the model's vocabulary, S steps, B
streams, V vocabulary size; T characters of a window, H hidden size.

Source:
    Krause, Kahembwe, Murray & Renals (2018), "Dynamic evaluation of neural sequence models".
"""

import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import replace
from typing import Final, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import ModelFileError
from tui_charrnn.generation.both_sides import BothSides
from tui_charrnn.generation.lstm import Stepper, fold_embedding, quiet
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import Float32, Float64, Indices, not_finite_error

Job = TypeVar("Job")
Result = TypeVar("Result")
ScoresListener = Callable[[Float32, Indices], object]
"""Told of scores, shape (N, V), and of what came, shape (N,), in any order and from any thread; the
scores are written over afterwards."""

_LOGITS_AT_ONCE: Final = 1 << 18
"""Numbers that are kept until their exponentials are taken: a megabyte stays in the cache."""


def pass_over(stepper: Stepper, inputs: Indices, cancelled: threading.Event) -> None:
    """Read characters, shape (S, B), and ask nothing of them.

    Raises:
        CancelledError: If it is cancelled.
    """
    with quiet():
        for characters in inputs:
            if cancelled.is_set():
                raise CancelledError
            stepper.read_each(characters)


def surprise(
    stepper: Stepper,
    inputs: Indices,
    targets: Indices,
    cancelled: threading.Event,
    listener: ScoresListener | None = None,
) -> Float32:
    """Read characters, and say how surprising those were that came after each.

    The stepper has B streams, which go on from where they are. Inputs and targets have the shape
    (S, B); the listener takes all scores, shape (..., B, V), and what came, shape (..., B).

    Returns:
        -ln p of the targets, nats, shape (S, B).

    Raises:
        CancelledError: If it is cancelled.
        ModelFileError: If the model's scores are not finite numbers.
    """
    steps, streams = inputs.shape
    size = stepper.logits.shape[-1]
    at_once = max(1, min(steps, _LOGITS_AT_ONCE // (streams * size)))
    kept = np.empty((at_once, streams, size), np.float32)
    nats = np.empty((steps, streams), np.float32)
    with quiet():
        for first in range(0, steps, at_once):
            part = inputs[first : first + at_once]
            for step, characters in enumerate(part):
                if cancelled.is_set():
                    raise CancelledError
                kept[step] = stepper.read_each(characters)
            if listener is not None:
                listener(kept[: len(part)], targets[first : first + at_once])
            nats[first : first + at_once] = _nats(
                kept[: len(part)], targets[first : first + at_once]
            )
    if not np.isfinite(nats).all():
        raise not_finite_error()
    return nats


def _nats(logits: Float32, targets: Indices) -> Float32:
    """-ln p of each target, shape (S, B); the logits, shape (S, B, V), are used up."""
    logits -= logits.max(axis=-1, keepdims=True)
    chosen = np.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
    np.exp(logits, out=logits)
    nats: Float32 = np.log(logits.sum(axis=-1)) - chosen
    return nats


BLOCK: Final = 1 << 20
"""Characters of a text that are best handed over at a time; as many as fit in some megabytes."""
WARM_UP: Final = 256
"""Characters that a stream reads before its own, for its state to be what it would be."""
_LEAST_STRETCH: Final = 1024
"""Characters of one stream at least, lest warming up takes longer than scoring."""
_MOST_STREAMS: Final = 256
_WORTH_IT: Final = 4  # streams from which on several are faster than one


def count_streams(symbols: int, stretch: int, most: int, asked: int | None) -> int:
    """How many streams read so many symbols, at least a stretch each; None asks for the best."""
    streams = min(symbols // stretch, most if asked is None else asked)
    return streams if streams >= (_WORTH_IT if asked is None else 2) else 1


def run_jobs(
    read: Callable[[Job], Result], jobs: Sequence[Job], cancelled: threading.Event
) -> list[Result]:
    """The results of jobs, a thread each; NumPy releases the interpreter where it is long."""
    with ThreadPoolExecutor(max(1, len(jobs) - 1)) as pool:
        try:
            later = [pool.submit(read, job) for job in jobs[1:]]
            return [read(jobs[0]), *(each.result() for each in later)]
        except BaseException:  # Ctrl-C above all, which the pool would let wait for its threads
            cancelled.set()
            raise


class _Job(NamedTuple):
    """Streams that one thread reads."""

    inputs: Indices
    """Shape (S, B)."""
    targets: Indices
    """Shape (S - warm-up, B)."""
    has_first: bool
    """Whether the first of them continues where the block before ended."""


class TextScorer:
    """Scores one text after another, each block by block.

    A model that reads both directions knows what follows a character too, so its bits are not to be
    held against those of others; it reads each block by itself.

    So many streams read side by side: 1 is exact; None takes as many as a block is worth. They are
    divided among processor threads; NumPy's own should be one then (OPENBLAS_NUM_THREADS=1). The
    listener takes the scores of every symbol.
    """

    def __init__(
        self,
        model: Model,
        *,
        streams: int | None = None,
        threads: int = 1,
        listener: ScoresListener | None = None,
    ) -> None:
        self._both = BothSides(model) if model.config.reads_both else None
        if self._both is None:
            self._weights = fold_embedding(model)
        self._vocabulary = model.vocabulary
        self._streams = streams
        self._threads = threads
        self._listener = listener
        self.cancelled: Final = threading.Event()
        """Set once an interrupt ends the reading."""
        self.begin()

    def begin(self) -> None:
        """Forget the text so far; the next starts as after a newline, as a generated one does."""
        self._last = self._vocabulary.start_index
        if self._both is None:
            self._state = np.zeros(self._weights.state_size, np.float32)

    def score(self, block: str) -> Float64:
        """Score the next block of the text, characters in composed form (Unicode NFC).

        A character that the model knows in parts only, as a decomposed letter, is scored by its
        parts.

        Returns:
            -log2 p of every character, given all before it, shape (N,); NaN where the model does
            not know the character, which is passed over as if it were not there, or read as
            the unknown symbol if the model has one.

        Raises:
            ModelFileError: If the model's scores are not finite numbers.
        """
        spelled = self._vocabulary.spell(block)
        bits = np.full(len(block), np.nan)
        if len(spelled.indices):
            symbols = self.nats(spelled.indices) / np.log(2)
            sums = np.bincount(spelled.owners, weights=symbols, minlength=len(block))
            bits[spelled.is_known] = sums[spelled.is_known]
        return bits

    def nats(self, symbols: Indices) -> Float64:
        """Score the next M symbols of the vocabulary, whatever characters they belong to.

        Returns:
            -ln p of each, shape (M,).

        Raises:
            ModelFileError: If the model's scores are not finite numbers.
        """
        if self._both is not None:
            return self._both.nats(symbols, self._listener)  # of the block by itself
        streams = count_streams(len(symbols), _LEAST_STRETCH, _MOST_STREAMS, self._streams)
        inputs = np.concatenate([[self._last], symbols[:-1]])
        stretch = -(-len(symbols) // streams)
        # The first stream is filled up at its front, so that the last ends where the text does.
        filling = streams * stretch - len(symbols)
        warm_up = WARM_UP if streams > 1 else 0
        places = np.arange(warm_up + stretch)[:, None] + stretch * np.arange(streams)
        inputs = np.concatenate([np.zeros(warm_up + filling, np.intp), inputs])[places]
        targets = np.concatenate([np.zeros(filling, np.intp), symbols])[places[:stretch]]
        shards = np.array_split(np.arange(streams), min(self._threads, streams))
        jobs = [
            _Job(inputs[:, shard], targets[:, shard], has_first=shard[0] == 0) for shard in shards
        ]
        done = run_jobs(lambda job: self._read(job, filling), jobs, self.cancelled)
        self._last = int(symbols[-1])
        self._state = done[-1][1]
        nats = np.concatenate([nats for nats, _ in done], axis=1)
        return nats.T.ravel()[filling:].astype(np.float64)

    def _read(self, job: _Job, filling: int) -> tuple[Float32, Float32]:
        """The nats of the targets of some streams, and the state of the last one at its end."""
        before = len(job.inputs) - len(job.targets)
        filled = filling if job.has_first else 0
        inputs = job.inputs[before:]
        stepper = Stepper(self._weights, streams=inputs.shape[1])
        pass_over(stepper, job.inputs[:before], self.cancelled)
        listener = self._flattened(first=1)  # nothing of what the first stream is filled up with
        early = surprise(stepper, inputs[:filled], job.targets[:filled], self.cancelled, listener)
        if job.has_first:
            stepper.state[0] = self._state
        listener = self._flattened()
        late = surprise(stepper, inputs[filled:], job.targets[filled:], self.cancelled, listener)
        return np.concatenate([early, late]), stepper.state[-1].copy()

    def _flattened(self, first: int = 0) -> ScoresListener | None:
        """A listener to the streams from one on, flattened; None if there is no listener."""
        listener = self._listener
        if listener is None:
            return None

        def flattened(logits: Float32, targets: Indices) -> None:
            size = logits.shape[-1]
            listener(logits[:, first:].reshape(-1, size), targets[:, first:].ravel())

        return flattened


WINDOW: Final = 32
"""Characters between two steps of learning."""


class DynamicScorer:
    """Scores one text after another, each from the weights of the model file on.

    The rate is the length of a step: the learning rate of the mean over a window, above 0.
    """

    def __init__(self, model: Model, rate: float) -> None:
        self._weights = fold_embedding(replace(model, numbers="float32"))
        self._vocabulary = model.vocabulary
        self._rate = np.float32(rate)
        self.begin()

    def begin(self) -> None:
        """Forget the text so far and what was learned from it."""
        self._stepper = Stepper(self._weights)
        self._kernel = self._weights.output_kernel.copy()
        self._bias = self._weights.output_bias.copy()
        self._hidden = np.empty((WINDOW, len(self._kernel)), np.float32)
        self._targets: list[int] = []
        self._last = self._vocabulary.start_index
        self._nats, self._characters = 0.0, 0

    def add(self, block: str) -> None:
        """Score the next characters of the text, and learn from every window that is full.

        Raises:
            ModelFileError: If the model's scores are not finite numbers, as after steps that are
                too long.
        """
        spelled = self._vocabulary.spell(block)
        self._characters += int(spelled.is_known.sum())
        top = self._stepper.layers[-1]
        with quiet():
            for index in spelled.indices.tolist():
                self._stepper.read(self._last)
                self._hidden[len(self._targets)] = top.hidden
                self._targets.append(index)
                self._last = index
                if len(self._targets) == WINDOW:
                    self._learn()

    def end(self) -> float | None:
        """Bits per character of the whole text, or None if nothing was scored.

        Raises:
            ModelFileError: As `add`.
        """
        with quiet():
            self._learn()
        return self._nats / math.log(2) / self._characters if self._characters else None

    def _learn(self) -> None:
        """Score the window at hand; then take a step against the gradient of its mean loss."""
        count = len(self._targets)
        if not count:
            return
        hidden, targets = self._hidden[:count], np.array(self._targets)
        unknown = self._vocabulary.unknown_index
        is_scored = targets != (-1 if unknown is None else unknown)
        probabilities, nats = _predicted(hidden @ self._kernel + self._bias, targets, is_scored)
        if not math.isfinite(nats):
            raise ModelFileError(
                "The scores of dynamic evaluation are not finite numbers. Its rate is too "
                "high, or the model's weights are too large."
            )
        self._nats += nats
        probabilities[np.arange(count), targets] -= 1  # the gradient of -ln p, shape (T, V)
        step = self._rate / np.float32(count)
        self._kernel -= step * (hidden.T @ probabilities)
        self._bias -= step * probabilities.sum(axis=0)
        self._targets.clear()


def _predicted(
    logits: Float32, targets: Indices, is_scored: npt.NDArray[np.bool_]
) -> tuple[Float32, float]:
    """The probabilities of all characters, shape (T, V), and the sum of -ln p of the targets.

    Targets that are not scored, as they are no characters, add nothing.
    """
    logits -= logits.max(axis=1, keepdims=True)
    chosen = logits[np.arange(len(targets)), targets]
    weights = np.exp(logits)
    sums = weights.sum(axis=1)
    nats = float((np.log(sums) - chosen).sum(dtype=np.float64, where=is_scored))
    probabilities: Float32 = weights / sums[:, None]
    return probabilities, nats
