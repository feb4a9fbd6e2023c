"""Score a text by a model: bits per character, for texts of any length.

A single stream reads a text as generation does, with the state carried from the first character to
the last. Several streams read segments of a block in parallel: far faster and nearly the same, as
each stream first reads the `WARM_UP` characters before its segment.

Dynamic evaluation scores a model that adapts to the text while it reads it. Every character is
predicted before the model learns from it, so the score is fair, but it is always reported apart
from the static score. Only the output layer is trained here, by SGD: that needs neither
backpropagation through time nor the optimizer's variables, which a model file does not have.
Training can score its held-out text with all weights adapting (`dynamic_evaluation_rate`), which is
a separate learning rate.

Notation: N characters of a block, M symbols of the model's vocabulary, T steps of B streams, or of
a window, V vocabulary size, H hidden size, S state size.

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

from tui_charrnn.errors import ModelFileError
from tui_charrnn.generation.lstm import Stepper, StepWeights, fold_embedding, quiet, stacks_of
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import Float32, Float64, Indices, not_finite_error

Result = TypeVar("Result")
ScoresListener = Callable[[Float32, Indices], object]
"""Called with logits, shape (N, V), and targets, shape (N,), in any order and from any thread; the
logits are overwritten afterwards."""

WARM_UP: Final = 256
"""Characters before its segment that a stream reads to warm up its state."""
_FEWEST_STREAMS: Final = 4  # streams from which on several are faster than one


class SegmentReader:
    """Reads a text block by block, segments of a block in parallel.

    `streams` is the number of segments: 1 is exact, None chooses by the length of the block, `most`
    at most. A segment has `least` characters or more, so that reading outweighs the warm-up. The
    streams are divided among `threads`; NumPy should then use one (OPENBLAS_NUM_THREADS=1).
    """

    def __init__(
        self, weights: StepWeights, *, streams: int | None, threads: int, least: int, most: int
    ) -> None:
        self._weights = weights
        self._streams, self._threads = streams, threads
        self._least, self._most = least, most
        self.state: Final = np.zeros(weights.state_size, np.float32)
        """State of the network after the text so far, shape (S,). Write into it to continue from
        another state."""
        self.cancelled: Final = threading.Event()
        """Set when an exception or interrupt ends the reading."""

    def read(self, inputs: Indices, follow: Callable[[Stepper, Indices], Result]) -> list[Result]:
        """Read the next M >= 1 symbols, by index, shape (M,).

        `follow` is called in any thread with a stepper whose state is that before the positions of
        B streams, and these positions in the block, shape (T, B); it reads them by `steps`.

        Returns:
            The results of `follow` for each part of the text, in order.
        """
        streams = self._most if self._streams is None else self._streams
        streams = min(len(inputs) // self._least, streams)
        if streams < (_FEWEST_STREAMS if self._streams is None else 2):
            streams = 1
        positions = np.arange(len(inputs))
        rest = len(inputs) % streams  # the remainder is read first, by one stream
        results = self._read(inputs, positions[:rest, None], follow) if rest else []
        return results + self._read(inputs, positions[rest:].reshape(streams, -1).T, follow)

    def steps(self, stepper: Stepper, characters: Indices) -> Iterator[int]:
        """Read characters, shape (T, B), and yield the row number after each row.

        Raises:
            CancelledError: If reading was cancelled.
        """
        for step, row in enumerate(characters):
            if self.cancelled.is_set():
                raise CancelledError
            stepper.read_each(row)
            yield step

    def _read(
        self, inputs: Indices, positions: Indices, follow: Callable[[Stepper, Indices], Result]
    ) -> list[Result]:
        streams = positions.shape[1]
        # Those of the first stream are negative and wrap around; its state is replaced anyway.
        before = positions[0] + np.arange(-WARM_UP if streams > 1 else 0, 0)[:, None]
        shards = np.array_split(np.arange(streams), min(self._threads, streams))

        def read(shard: Indices) -> tuple[Result, Float32]:
            stepper = Stepper(self._weights, len(shard))
            for _ in self.steps(stepper, inputs[before[:, shard]]):
                pass
            if shard[0] == 0:
                stepper.restore(self.state, 0)
            return follow(stepper, positions[:, shard]), stepper.state[-1]

        # NumPy releases the GIL in long operations
        with ThreadPoolExecutor(max(1, len(shards) - 1)) as pool:
            try:
                later = [pool.submit(read, shard) for shard in shards[1:]]
                done = [read(shards[0]), *(each.result() for each in later)]
            except BaseException:  # on Ctrl-C the pool would wait for its threads to finish
                self.cancelled.set()
                raise
        self.state[:] = done[-1][1]
        return [result for result, _ in done]


_SHORTEST_SEGMENT: Final = 1024
_MOST_STREAMS: Final = 256
_MOST_LOGITS: Final = 1 << 23
"""Logits of a bidirectional model that are in memory at a time."""
_LOGITS_AT_ONCE: Final = 1 << 18
"""Logits that are buffered before the softmax: one megabyte, which stays in the cache."""


class TextScorer:
    """Scores texts, each block by block.

    A bidirectional model knows the following characters too, so its bits are not comparable with
    those of other models. Each block is then a text of its own.

    `streams` and `threads` are those of `SegmentReader`. `listener` receives all logits.
    """

    def __init__(
        self,
        model: Model,
        *,
        streams: int | None = None,
        threads: int = 1,
        listener: ScoresListener | None = None,
    ) -> None:
        forward, backward = stacks_of(model) if model.config.reads_both else (model, None)

        def reader_of(stack: Model) -> SegmentReader:
            return SegmentReader(
                fold_embedding(stack),
                streams=streams,
                threads=threads,
                least=_SHORTEST_SEGMENT,
                most=_MOST_STREAMS,
            )

        self._reader = reader_of(forward)
        self._backward = None if backward is None else reader_of(backward)
        self._vocabulary = model.vocabulary
        self._listener = listener
        self.begin()

    def begin(self) -> None:
        """Start a new text, as if after a newline."""
        self._last = self._vocabulary.start_index
        self._reader.state[:] = 0

    def score(self, block: str) -> Float64:
        """Score the next block of the text, in composed form (Unicode NFC).

        A character that the vocabulary has only in decomposed form gets the sum over its parts.

        Returns:
            -log2 p of every character given all before it, shape (N,); NaN for a character that
            the model does not know, which is skipped, or read as the unknown symbol if the model
            has one.

        Raises:
            ModelFileError: If the model's logits are not finite.
        """
        spelled = self._vocabulary.spell(block)
        bits = np.full(len(block), np.nan)
        if len(spelled.indices):
            symbols = self.nats(spelled.indices) / np.log(2)
            sums = np.bincount(spelled.owners, weights=symbols, minlength=len(block))
            bits[spelled.is_known] = sums[spelled.is_known]
        return bits

    def nats(self, symbols: Indices) -> Float64:
        """Return -ln p of the next M symbols, which are indices of the vocabulary, shape (M,).

        Raises:
            ModelFileError: If the model's logits are not finite.
        """
        if self._backward is not None:
            self.begin()
        inputs = np.concatenate([[self._last], symbols[:-1]])
        if self._backward is not None:
            parts = self._read_both(self._backward, inputs, symbols)
        else:
            parts = self._reader.read(
                inputs, lambda stepper, at: self._read_nats(stepper, inputs[at], symbols[at])
            )
        nats = np.concatenate([part.T.ravel() for part in parts]).astype(np.float64)
        if not np.isfinite(nats).all():
            raise not_finite_error()
        self._last = int(symbols[-1])
        return nats

    def _read_nats(self, stepper: Stepper, inputs: Indices, targets: Indices) -> Float32:
        """Read inputs, shape (T, B), and return -ln p of the targets that follow, same shape."""
        steps, streams = inputs.shape
        at_once = max(1, min(steps, _LOGITS_AT_ONCE // stepper.logits.size))
        buffer = np.empty((at_once, *stepper.logits.shape), np.float32)
        nats = np.empty((steps, streams), np.float32)
        with quiet():
            for first in range(0, steps, at_once):
                rows = slice(first, first + at_once)
                for step in self._reader.steps(stepper, inputs[rows]):
                    buffer[step] = stepper.logits
                logits = buffer[: len(targets[rows])]
                if self._listener is not None:
                    self._listener(logits.reshape(targets[rows].size, -1), targets[rows].ravel())
                nats[rows] = _nats(logits, targets[rows])
        return nats

    def _read_both(
        self, backward: SegmentReader, inputs: Indices, targets: Indices
    ) -> list[Float32]:
        """Return -ln p of the targets of a whole text given all others, in parts."""
        parts, at_once = [], max(_SHORTEST_SEGMENT, _MOST_LOGITS // len(self._vocabulary))
        for first in range(0, len(targets), at_once):
            part = targets[first : first + at_once]
            logits = _read_logits(self._reader, inputs[first : first + at_once])
            backward.state[:] = 0
            after = targets[first + 1 : first + at_once + WARM_UP][::-1]
            if len(after):  # nothing is read before the last symbol of the text
                following = _read_logits(backward, after)[::-1][: len(part)]
                logits[: len(following)] += following
            if self._listener is not None:
                self._listener(logits, part)
            with quiet():
                parts.append(_nats(logits, part))
        return parts


def _read_logits(reader: SegmentReader, inputs: Indices) -> Float32:
    """Read M symbols and return the logits after each, shape (M, V)."""

    def follow(stepper: Stepper, at: Indices) -> Float32:
        logits = np.empty((len(at), *stepper.logits.shape), np.float32)
        for step in reader.steps(stepper, inputs[at]):
            logits[step] = stepper.logits
        return logits.swapaxes(0, 1).reshape(at.size, -1)

    return np.concatenate(reader.read(inputs, follow))


def _nats(logits: Float32, targets: Indices) -> Float32:
    """Return -ln p of each target, shape (...).

    The logits, shape (..., V), are overwritten by the unnormalized probabilities.
    """
    logits -= logits.max(axis=-1, keepdims=True)
    chosen = np.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
    np.exp(logits, out=logits)
    nats: Float32 = np.log(logits.sum(axis=-1)) - chosen
    return nats


WINDOW: Final = 32
"""Symbols per gradient step of dynamic evaluation."""


class DynamicScorer:
    """Scores texts by dynamic evaluation, each starting from the weights of the model file.

    `rate` is the learning rate, above 0, of the mean loss over a window.
    """

    def __init__(self, model: Model, rate: float) -> None:
        self._weights = fold_embedding(replace(model, numbers="float32"))
        self._vocabulary = model.vocabulary
        self._rate = np.float32(rate)
        self.begin()

    def begin(self) -> None:
        """Start a new text with the original weights."""
        self._stepper = Stepper(self._weights)
        self._kernel = self._weights.output_kernel.copy()
        self._bias = self._weights.output_bias.copy()
        self._hidden = np.empty((WINDOW, len(self._kernel)), np.float32)
        self._targets: list[int] = []
        self._last = self._vocabulary.start_index
        self._nats, self._characters = 0.0, 0

    def add(self, block: str) -> None:
        """Score the next characters of the text, with a gradient step after every full window.

        Raises:
            ModelFileError: If the model's logits are not finite, as with too high a rate.
        """
        spelled = self._vocabulary.spell(block)
        self._characters += int(spelled.is_known.sum())
        hidden = self._stepper.layers[-1].parts["h"]
        with quiet():
            for index in spelled.indices.tolist():
                self._stepper.read(self._last)
                self._hidden[len(self._targets)] = hidden
                self._targets.append(index)
                self._last = index
                if len(self._targets) == WINDOW:
                    self._learn()

    def end(self) -> float | None:
        """Return the bits per character of the whole text, or None if nothing was scored.

        Raises:
            ModelFileError: As `add`.
        """
        with quiet():
            self._learn()
        return self._nats / math.log(2) / self._characters if self._characters else None

    def _learn(self) -> None:
        """Score the current window; then take a gradient step on its mean loss."""
        count = len(self._targets)
        if not count:
            return
        hidden, targets = self._hidden[:count], np.array(self._targets)
        unknown = self._vocabulary.unknown_index
        is_scored = targets != (-1 if unknown is None else unknown)
        probabilities = hidden @ self._kernel + self._bias
        each = _nats(probabilities, targets)
        nats = float(each.sum(dtype=np.float64, where=is_scored))
        if not math.isfinite(nats):
            raise ModelFileError(
                "The scores of dynamic evaluation are not finite numbers. Its rate is too "
                "high, or the model's weights are too large."
            )
        self._nats += nats
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        probabilities[np.arange(count), targets] -= 1  # the gradient of -ln p, shape (T, V)
        step = self._rate / np.float32(count)
        self._kernel -= step * (hidden.T @ probabilities)
        self._bias -= step * probabilities.sum(axis=0)
        self._targets.clear()
