"""A model that reads in both directions: each character by what stands before and behind it.

A text is read forward once, and backward once. No character is read before it is predicted from
that side, so it never explains itself.

Notation: M symbols of a text, N rows that are read side by side, V vocabulary size.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from tui_charrnn.errors import ConfigError, ModelFileError
from tui_charrnn.generation.lstm import Stepper, StepWeights, fold_embedding
from tui_charrnn.generation.sampling import log_softmax
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import Float32, Float64, Indices

CONTEXT: Final = 256
"""Symbols that a stretch of a long text is read behind and before its own."""
_STRETCH: Final = 1024
_NUMBERS: Final = 1 << 23  # logits that are kept at a time
CHAINS: Final = 128
"""Texts side by side whose gaps are drawn again and again."""
SWEEPS: Final = 60
"""Times that each gap is drawn; the first third is not counted."""


class BothSides:
    """Reads texts in both directions."""

    def __init__(self, model: Model) -> None:
        """Arrange the weights of a model once.

        Raises:
            ModelFileError: If it reads forward alone.
        """
        backward = model.weights.backward
        if backward is None:
            raise ModelFileError(
                "This model reads forward alone; one that reads both directions is trained "
                "by `charrnn-tui train --direction both`."
            )
        stack = replace(model, config=replace(model.config, direction="forward"))
        self.vocabulary: Final = model.vocabulary
        self._is_jamo = model.units == "jamo"
        self._forward = fold_embedding(stack)
        self._backward = fold_embedding(replace(stack, weights=backward))

    def nats(
        self, symbols: Indices, listener: Callable[[Float32, Indices], object] | None = None
    ) -> Float64:
        """-ln p of every symbol of a text, given all others, shape (M,).

        The text begins as after a newline. A long one is read in stretches side by side, each with
        `CONTEXT` symbols on either side. The listener takes all scores, shape (N, V), and what
        came, shape (N,).

        Raises:
            ModelFileError: If the model's scores are not finite numbers.
        """
        count = len(symbols)
        stretch = min(max(count, 1), _STRETCH)
        starts = np.arange(0, count, stretch)
        at_once = max(1, _NUMBERS // (stretch * len(self.vocabulary)))
        found = [
            self._stretches(symbols, starts[first : first + at_once], stretch, listener)
            for first in range(0, len(starts), at_once)
        ]
        nats: Float64 = np.concatenate([*found, np.zeros(0)])[:count]
        return nats

    def _stretches(
        self,
        symbols: Indices,
        starts: Indices,
        stretch: int,
        listener: Callable[[Float32, Indices], object] | None,
    ) -> Float64:
        """The nats of some stretches, one behind the other."""
        count = len(symbols)
        padded = np.concatenate([symbols, np.zeros(stretch + CONTEXT, np.intp)])
        before = np.concatenate([[self.vocabulary.start_index], padded])
        scores = np.zeros((stretch, len(starts), len(self.vocabulary)), np.float32)
        forward = Stepper(self._forward, len(starts))
        warm_up = 0 if len(starts) == 1 and starts[0] == 0 else CONTEXT
        for step in range(-warm_up, stretch):
            places = starts + step
            forward.state[places <= 0] = 0  # the text begins here
            logits = forward.read_each(before[np.maximum(places, 0)])
            if step >= 0:
                scores[step] = logits
        backward = Stepper(self._backward, len(starts))
        for step in range(min(stretch + CONTEXT, count), 0, -1):
            places = starts + step
            logits = backward.read_each(padded[places])
            backward.state[places >= count] = 0  # nothing is behind the end
            if step <= stretch:
                scores[step - 1] += np.where((places < count)[:, None], logits, 0)
        places = starts + np.arange(stretch)[:, None]
        targets = padded[places]
        if listener is not None:
            listener(scores[places < count], targets[places < count])
        chosen = np.take_along_axis(log_softmax(scores), targets[..., None], axis=-1)[..., 0]
        return -chosen.T.ravel()

    def fill(self, parts: Sequence[str]) -> "BothFilled":
        """What stands in the gaps of a text, which begins as after a newline; see `split_gaps`.

        One gap is exact. Of several, each is drawn given all others, again and again (Gibbs), in
        `CHAINS` texts side by side that begin with random characters.

        Raises:
            ConfigError: If the model reads Hangul in jamo, of which a gap has an unknown number.
            ModelFileError: If the model's scores are not finite numbers.
        """
        if self._is_jamo:
            raise ConfigError(
                "A model of jamo that reads both directions cannot fill a syllable: it "
                "would have to know of how many jamo. Train one with --units characters."
            )
        spelled = [self.vocabulary.spell(part).indices for part in parts]
        region: list[int | None] = [None]
        for part in spelled[1:-1]:
            region += [*part.tolist(), None]
        count = 1 if len(parts) == 2 else CHAINS
        before = _read(self._forward, [self.vocabulary.start_index, *spelled[0].tolist()], count)
        behind = _read(self._backward, spelled[-1][::-1].tolist(), count)
        if len(parts) == 2:
            shares = np.exp(self._expected(before[1], behind[1]))[0]
            pairs = zip(self.vocabulary.characters, shares.tolist(), strict=True)
            return BothFilled({sign: share for sign, share in pairs if share > 0}, is_exact=True)
        return BothFilled(self._draw(region, before, behind), is_exact=False)

    def _draw(
        self, region: list[int | None], before: "_Known", behind: "_Known"
    ) -> dict[str, float]:
        rng, characters = np.random.default_rng(0), self.vocabulary.characters
        values = rng.integers(0, len(characters), (len(region), CHAINS))
        for place, symbol in enumerate(region):
            if symbol is not None:
                values[place] = symbol
        gaps = [place for place, symbol in enumerate(region) if symbol is None]
        counted: Counter[tuple[int, ...]] = Counter()
        forward, backward = Stepper(self._forward, CHAINS), Stepper(self._backward, CHAINS)
        known = np.zeros((len(region), *before[1].shape), np.float32)
        for sweep in range(SWEEPS):
            backward.state[:], known[-1] = behind
            for place in range(len(region) - 1, 0, -1):
                known[place - 1] = backward.read_each(values[place])
            forward.state[:], logits = before
            for place in range(len(region)):
                if region[place] is None:
                    shares = np.exp(self._expected(logits, known[place])).cumsum(axis=1)
                    drawn = (shares < rng.random((CHAINS, 1)) * shares[:, -1:]).sum(axis=1)
                    values[place] = np.minimum(drawn, len(characters) - 1)
                logits = forward.read_each(values[place])
            if sweep >= SWEEPS // 3:
                counted.update(map(tuple, values[gaps].T.tolist()))
        total = counted.total()
        return {
            "".join(characters[index] for index in fill): count / total
            for fill, count in counted.most_common()
        }

    def _expected(self, before: Float32, behind: Float32) -> Float64:
        """Ln p of each symbol by what is known from either side, shape (N, V)."""
        scores = log_softmax(before + behind)
        if self.vocabulary.unknown_index is not None:
            scores[:, self.vocabulary.unknown_index] = -np.inf
        return scores


_Known = tuple[Float32, Float32]
"""What a stack remembers after some symbols, shape (N, S), and what it expects, shape (N, V)."""


def _read(weights: StepWeights, symbols: Sequence[int], rows: int) -> _Known:
    """Read some symbols from nothing on; with none, nothing is expected."""
    stepper = Stepper(weights, 1)
    for symbol in symbols:
        stepper.read(symbol)
    return stepper.state.repeat(rows, 0), stepper.logits.repeat(rows, 0)


class BothFilled(NamedTuple):
    """What stands in the gaps of a text by a model that reads both directions."""

    shares: dict[str, float]
    """The probability of each fill, or its share of what was drawn."""
    is_exact: bool
    """False if it was drawn."""
