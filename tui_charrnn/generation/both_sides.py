"""Bidirectional models: predict each character from the text before and after it.

A text is read forward once and backward once. Each direction predicts a character before it reads
it, so a character is never part of its own context.

Notation: N rows that are read in parallel, V vocabulary size.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from tui_charrnn.errors import ConfigError, ModelFileError
from tui_charrnn.generation.lstm import Stepper, fold_embedding, read_symbols
from tui_charrnn.generation.sampling import log_softmax
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import Float32, Float64

CHAINS: Final = 128
"""Parallel chains of the Gibbs sampler."""
SWEEPS: Final = 60
"""Sweeps of the Gibbs sampler; the first third is burn-in and is not counted."""


def stacks_of(model: Model) -> tuple[Model, Model]:
    """Return both stacks of a bidirectional model as forward models; the second reads backward.

    Raises:
        ModelFileError: If the model is not bidirectional.
    """
    backward = model.weights.backward
    if backward is None:
        raise ModelFileError(
            "This model reads forward only; train a bidirectional one with `charrnn-tui "
            "train --direction both`."
        )
    stack = replace(model, config=replace(model.config, direction="forward"))
    return stack, replace(stack, weights=backward)


class BothSides:
    """Fills gaps by both directions."""

    def __init__(self, model: Model) -> None:
        """Prepare the weights of a model; see `stacks_of`."""
        self.vocabulary: Final = model.vocabulary
        self._is_jamo = model.units == "jamo"
        self._forward, self._backward = map(fold_embedding, stacks_of(model))

    def fill(self, parts: Sequence[str]) -> dict[str, float]:
        """Predict the characters in the gaps of a text; see `split_gaps` for `parts`.

        The text begins as if after a newline. Several gaps are sampled with a Gibbs sampler of
        `CHAINS` parallel chains with random initial characters.

        Returns:
            The probability of each character for a single gap, which is exact; else the relative
            frequency of each sampled fill.

        Raises:
            ConfigError: If the model reads Hangul in jamo, as a gap has an unknown number of jamo.
            ModelFileError: If the model's logits are not finite.
        """
        if self._is_jamo:
            raise ConfigError(
                "A bidirectional model of jamo cannot fill a syllable, whose number of jamo is "
                "unknown. Train one with --units characters."
            )
        spelled = [self.vocabulary.spell(part).indices for part in parts]
        region: list[int | None] = [None]
        for part in spelled[1:-1]:
            region += [*part.tolist(), None]
        before = read_symbols(self._forward, [self.vocabulary.start_index, *spelled[0].tolist()])
        after = read_symbols(self._backward, spelled[-1][::-1].tolist())
        if len(parts) == 2:
            probabilities = np.exp(self._log_probabilities(before[1], after[1]))[0]
            pairs = zip(self.vocabulary.characters, probabilities.tolist(), strict=True)
            return {character: p for character, p in pairs if p > 0}
        return self._sample(region, before, after)

    def _sample(
        self, region: list[int | None], before: Sequence[Float32], after: Sequence[Float32]
    ) -> dict[str, float]:
        """Return the relative frequency of each fill; `region` has None at each gap.

        `before` and `after` are the states and the logits of the stacks at both ends of it.
        """
        rng, characters = np.random.default_rng(0), self.vocabulary.characters
        values = rng.integers(0, len(characters), (len(region), CHAINS))
        for position, symbol in enumerate(region):
            if symbol is not None:
                values[position] = symbol
        gaps = [position for position, symbol in enumerate(region) if symbol is None]
        counts: Counter[tuple[int, ...]] = Counter()
        forward, backward = Stepper(self._forward, CHAINS), Stepper(self._backward, CHAINS)
        backward_logits = np.zeros((len(region), CHAINS, len(characters)), np.float32)
        for sweep in range(SWEEPS):
            backward.restore(after[0])
            backward_logits[-1] = after[1]
            for position in range(len(region) - 1, 0, -1):
                backward_logits[position - 1] = backward.read_each(values[position])
            forward.restore(before[0])
            logits = before[1]
            for position in range(len(region)):
                if region[position] is None:
                    log_p = self._log_probabilities(logits, backward_logits[position])
                    cumulative = np.exp(log_p).cumsum(axis=1)
                    uniform = rng.random((CHAINS, 1)) * cumulative[:, -1:]
                    drawn = (cumulative < uniform).sum(axis=1)
                    values[position] = np.minimum(drawn, len(characters) - 1)
                logits = forward.read_each(values[position])
            if sweep >= SWEEPS // 3:
                counts.update(map(tuple, values[gaps].T.tolist()))
        total = counts.total()
        return {
            "".join(characters[index] for index in fill): count / total
            for fill, count in counts.most_common()
        }

    def _log_probabilities(self, forward: Float32, backward: Float32) -> Float64:
        """Return ln p of each symbol from the logits of both directions, shape (N, V)."""
        scores = log_softmax(forward + backward)
        if self.vocabulary.unknown_index is not None:
            scores[:, self.vocabulary.unknown_index] = -np.inf
        return scores
