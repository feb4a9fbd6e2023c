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

Notation: N characters of a block, M of them as indices of the model's vocabulary, T steps of B
streams, or of a window, V vocabulary size, H hidden size, S numbers that a network remembers.

Source:
    Krause, Kahembwe, Murray & Renals (2018), "Dynamic evaluation of neural sequence models".
"""

import math
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import replace
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import ModelFileError
from tui_charrnn.generation.both_sides import BothSides
from tui_charrnn.generation.lstm import Stepper, StepWeights, fold_embedding, quiet
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import Float32, Float64, Indices, not_finite_error

Result = TypeVar("Result")
ScoresListener = Callable[[Float32, Indices], object]
"""Told of scores, shape (N, V), and of what came, shape (N,), in any order and from any thread; the
scores are written over afterwards."""

WARM_UP: Final = 256
"""Characters that a stream reads before its own, for its state to be what it would be."""
_WORTH_IT: Final = 4  # streams from which on several are faster than one


class StretchReader:
    """Reads a text block by block, stretches of a block side by side.

    So many streams read, each a stretch of its own: 1 is exact; None takes as many as a block is
    worth, `most` at most. A stretch has `least` characters at least, lest warming up takes longer
    than reading. Streams are divided among processor threads; NumPy's own should be one then
    (OPENBLAS_NUM_THREADS=1).
    """

    def __init__(
        self, weights: StepWeights, *, streams: int | None, threads: int, least: int, most: int
    ) -> None:
        self._weights = weights
        self._streams, self._threads = streams, threads
        self._least, self._most = least, most
        self.state: Final = np.zeros(weights.state_size, np.float32)
        """What the network remembers of the text so far, shape (S,). Write into it to go on from
        another state."""
        self.cancelled: Final = threading.Event()
        """Set once an interrupt ends the reading."""

    def read(self, inputs: Indices, follow: Callable[[Stepper, Indices], Result]) -> list[Result]:
        """Read the next M characters, 1 at least, by their numbers, shape (M,).

        `follow` reads, by `steps`, in any thread: it takes a stepper that remembers what is before
        the places of B streams in the block, and these, shape (T, B).

        Returns:
            What `follow` returned of each part of the text, in their order.
        """
        streams = self._most if self._streams is None else self._streams
        streams = min(len(inputs) // self._least, streams)
        if streams < (_WORTH_IT if self._streams is None else 2):
            streams = 1
        places = np.arange(len(inputs))
        rest = len(inputs) % streams  # what does not fill the streams is read before them
        found = self._read(inputs, places[:rest, None], follow) if rest else []
        return found + self._read(inputs, places[rest:].reshape(streams, -1).T, follow)

    def steps(self, stepper: Stepper, characters: Indices) -> Iterator[int]:
        """Read characters, shape (T, B), and stop after each row of them, whose number it is.

        Raises:
            CancelledError: If it is cancelled.
        """
        for step, row in enumerate(characters):
            if self.cancelled.is_set():
                raise CancelledError
            stepper.read_each(row)
            yield step

    def _read(
        self, inputs: Indices, places: Indices, follow: Callable[[Stepper, Indices], Result]
    ) -> list[Result]:
        streams = places.shape[1]
        # of the first stream they lead before the block, to its end: its state is replaced then
        before = places[0] + np.arange(-WARM_UP if streams > 1 else 0, 0)[:, None]
        shards = np.array_split(np.arange(streams), min(self._threads, streams))

        def read(shard: Indices) -> tuple[Result, Float32]:
            stepper = Stepper(self._weights, len(shard))
            for _ in self.steps(stepper, inputs[before[:, shard]]):
                pass
            if shard[0] == 0:
                stepper.state[0] = self.state
            return follow(stepper, places[:, shard]), stepper.state[-1]

        # NumPy releases the interpreter where it is long
        with ThreadPoolExecutor(max(1, len(shards) - 1)) as pool:
            try:
                later = [pool.submit(read, shard) for shard in shards[1:]]
                done = [read(shards[0]), *(each.result() for each in later)]
            except BaseException:  # Ctrl-C above all, which the pool would let wait for its threads
                self.cancelled.set()
                raise
        self.state[:] = done[-1][1]
        return [result for result, _ in done]


_LEAST_STRETCH: Final = 1024
_MOST_STREAMS: Final = 256
_LOGITS_AT_ONCE: Final = 1 << 18
"""Numbers that are kept until their exponentials are taken: a megabyte stays in the cache."""


class TextScorer:
    """Scores one text after another, each block by block.

    A model that reads both directions knows what follows a character too, so its bits are not to be
    held against those of others; it reads each block by itself.

    Streams and threads are those of `StretchReader`. The listener takes the scores of every symbol.
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
            self._reader = StretchReader(
                fold_embedding(model),
                streams=streams,
                threads=threads,
                least=_LEAST_STRETCH,
                most=_MOST_STREAMS,
            )
        self._vocabulary = model.vocabulary
        self._listener = listener
        self.begin()

    def begin(self) -> None:
        """Forget the text so far; the next starts as after a newline, as a generated one does."""
        self._last = self._vocabulary.start_index
        if self._both is None:
            self._reader.state[:] = 0

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
        inputs = np.concatenate([[self._last], symbols[:-1]])
        found = self._reader.read(
            inputs, lambda stepper, places: self._follow(stepper, inputs[places], symbols[places])
        )
        nats = np.concatenate([part.T.ravel() for part in found]).astype(np.float64)
        self._last = int(symbols[-1])
        return nats

    def _follow(self, stepper: Stepper, inputs: Indices, targets: Indices) -> Float32:
        """-ln p of the targets, nats, shape (T, B), each of which came after an input."""
        steps, streams = inputs.shape
        at_once = max(1, min(steps, _LOGITS_AT_ONCE // stepper.logits.size))
        kept = np.empty((at_once, *stepper.logits.shape), np.float32)
        nats = np.empty((steps, streams), np.float32)
        with quiet():
            for first in range(0, steps, at_once):
                came = targets[first : first + at_once]
                for step in self._reader.steps(stepper, inputs[first : first + at_once]):
                    kept[step] = stepper.logits
                logits = kept[: len(came)]
                if self._listener is not None:
                    self._listener(logits.reshape(came.size, -1), came.ravel())
                nats[first : first + at_once] = _nats(logits, came)
        if not np.isfinite(nats).all():
            raise not_finite_error()
        return nats


def _nats(logits: Float32, targets: Indices) -> Float32:
    """-ln p of each target, shape (T, B); the logits, shape (T, B, V), are used up."""
    logits -= logits.max(axis=-1, keepdims=True)
    chosen = np.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
    np.exp(logits, out=logits)
    nats: Float32 = np.log(logits.sum(axis=-1)) - chosen
    return nats


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
