"""Dynamic evaluation: a model that learns from the text that it has just been scored on.

Every character is predicted before anything is learned from it, so the score is fair; but it is
the score of a model that adapts, and is kept apart from the plain one everywhere.

Only the output layer learns here, by plain steps against the gradient: that needs no way back
through the network, nor the optimizer's variables, which a model file does not have. A trainer can
score its held-out text with all weights learning (`dynamic_evaluation_rate`); its rate is another.

Notation: T characters of a window, H hidden size, V vocabulary size.

Source: Krause, Kahembwe, Murray & Renals 2018, "Dynamic evaluation of neural sequence models".
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import ModelFileError
from tui_charrnn.generation.lstm import Stepper
from tui_charrnn.generation.scoring import Indices, quiet
from tui_charrnn.generation.step_weights import fold_embedding
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import Float32

WINDOW: Final = 32
"""Characters between two steps of learning."""


class DynamicScorer:
    """Scores one text after another, each from the weights of the model file on.

    Args:
        model: It stays as it is.
        rate: Length of a step: the learning rate of the mean over a window, above 0.
    """

    def __init__(self, model: Model, rate: float) -> None:
        with quiet():  # what is not finite is reported when a text is scored
            self._weights = fold_embedding(
                model.weights, model.config, end=model.vocabulary.end_index
            )
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
