"""A plain RNN that is trained by hand, to see what clipping its gradient does.

It is small enough to be trained while one looks at it: one layer of tanh, one-hot characters,
truncated backpropagation through time over a few streams, gradient descent; all in float64.

Notation: V vocabulary size, H hidden size, B streams, T sequence length, P parameters in all.

Source:
    Pascanu, Mikolov & Bengio (2013), "On the difficulty of training recurrent neural networks".
"""

import math
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from tui_charrnn.model.weights import Float64, Indices

TEXT: Final = "the quick brown fox jumps over the lazy dog. "
"""What is learned, over and over; every letter is in it."""
_HIDDEN: Final = 32
_STREAMS: Final = 4
_LENGTH: Final = 30
_DIVERGED: Final = 3.0  # times the loss of a guess: a run that was above it once counts as diverged


@dataclass(frozen=True, slots=True)
class ClippingSettings:
    """What both runs have in common, and the limit that one of them has."""

    limit: float = 1.0
    """The largest norm of a gradient that is applied."""
    radius: float = 1.7
    """Spectral radius of the recurrent kernel before the first step."""
    learning_rate: float = 2.0
    steps: int = 400
    rng_seed: int = 0


class ClippingStep(NamedTuple):
    """One step of a run."""

    loss: float
    """Mean over the batch, before the update, nats per character."""
    norm: float
    """Of the gradient as it came."""
    applied: float
    """Of the gradient that was applied."""
    angle: float
    """Between the two, degrees."""
    elementwise_angle: float
    """What it would be if each number were cut to a bound, for the same norm."""


class SmallRnn:
    """h = tanh(x @ kernel + h @ recurrent_kernel + bias), softmax(h @ output + output_bias)."""

    def __init__(
        self, vocabulary: int, hidden: int, radius: float, rng: np.random.Generator
    ) -> None:
        """Draw the weights; the radius is the spectral radius of the recurrent kernel."""
        recurrent = rng.standard_normal((hidden, hidden))
        recurrent *= radius / np.abs(np.linalg.eigvals(recurrent)).max()
        self.parameters: list[Float64] = [
            rng.standard_normal((vocabulary, hidden)) * 0.5,
            recurrent,
            np.zeros(hidden),
            rng.standard_normal((hidden, vocabulary)) / math.sqrt(hidden),
            np.zeros(vocabulary),
        ]
        """Kernel (V, H), recurrent kernel (H, H), bias (H,), output (H, V), its bias (V,)."""

    def gradient(
        self, inputs: Indices, targets: Indices, state: Float64
    ) -> tuple[float, list[Float64], Float64]:
        """Loss and gradient of a batch, by backpropagation through time.

        Inputs, and what came after each, have the shape (T, B), h before the shape (B, H).

        Returns:
            The mean loss, the gradient in the order of `parameters`, and h after, shape (B, H).
        """
        kernel, recurrent, bias, output, output_bias = self.parameters
        steps, streams = inputs.shape
        hidden = np.empty((steps + 1, *state.shape))
        hidden[0] = state
        for step, characters in enumerate(inputs):
            hidden[step + 1] = np.tanh(kernel[characters] + hidden[step] @ recurrent + bias)
        logits = hidden[1:] @ output + output_bias
        logits -= logits.max(axis=-1, keepdims=True)
        powers = np.exp(logits)
        totals = powers.sum(axis=-1, keepdims=True)
        chosen = np.take_along_axis(logits, targets[..., None], axis=-1)
        loss = float((np.log(totals) - chosen).mean())
        scores = powers / totals
        np.put_along_axis(
            scores, targets[..., None], np.take_along_axis(scores, targets[..., None], -1) - 1, -1
        )
        scores /= steps * streams
        gradients = [np.zeros_like(each) for each in self.parameters]
        gradients[3] = np.einsum("tbh,tbv->hv", hidden[1:], scores)
        gradients[4] = scores.sum(axis=(0, 1))
        back = np.zeros_like(state)
        for step in reversed(range(steps)):
            sums = (scores[step] @ output.T + back) * (1 - hidden[step + 1] ** 2)
            np.add.at(gradients[0], inputs[step], sums)
            gradients[1] += hidden[step].T @ sums
            gradients[2] += sums.sum(axis=0)
            back = sums @ recurrent.T
        return loss, gradients, hidden[-1]


class ClippingRun:
    """A run, step by step; two with the same settings differ in whether the limit holds."""

    def __init__(self, settings: ClippingSettings, *, is_clipped: bool) -> None:
        self._settings = settings
        self._is_clipped = is_clipped
        characters = sorted(set(TEXT))
        self.guess: Final = math.log(len(characters))
        """The loss of a guess, nats per character."""
        self.network: Final = SmallRnn(
            len(characters), _HIDDEN, settings.radius, np.random.default_rng(settings.rng_seed)
        )
        self._text = np.array([characters.index(each) for each in TEXT])
        self._places = np.arange(_STREAMS) * (len(TEXT) // _STREAMS)
        self._state: Float64 = np.zeros((_STREAMS, _HIDDEN))
        self.steps: Final[list[ClippingStep]] = []

    @property
    def has_diverged(self) -> bool:
        """Whether the loss was no number once, or far above that of a guess."""
        return any(not step.loss <= _DIVERGED * self.guess for step in self.steps)

    def advance(self) -> ClippingStep:
        """Take one step."""
        offsets = np.arange(_LENGTH + 1)[:, None] + self._places
        window = self._text[offsets % len(self._text)]
        self._places = (self._places + _LENGTH) % len(self._text)
        with np.errstate(over="ignore", invalid="ignore"):
            loss, gradient, self._state = self.network.gradient(
                window[:-1], window[1:], self._state
            )
            flat = np.concatenate([each.ravel() for each in gradient])
            norm, limit = float(np.linalg.norm(flat)), self._settings.limit
            scale = min(1.0, limit / norm) if self._is_clipped and norm > 0 else 1.0
            rate = self._settings.learning_rate * scale
            for parameter, each in zip(self.network.parameters, gradient, strict=True):
                np.subtract(parameter, rate * each, out=parameter)
            cut = clipped_by_element(flat, min(norm, limit))
            step = ClippingStep(
                loss, norm, norm * scale, angle(flat, flat * scale), angle(flat, cut)
            )
        self.steps.append(step)
        return step


def clipped_by_element(gradient: Float64, norm: float) -> Float64:
    """Cut every number of a gradient, shape (P,), to a bound that leaves a norm, or all of it."""
    sizes = np.sort(np.abs(gradient))
    if not np.isfinite(sizes).all() or norm >= np.linalg.norm(gradient):
        return gradient
    # with the bound at a size, those below it stay and all others become it
    squares = np.concatenate([[0.0], np.cumsum(sizes[:-1] ** 2)])
    left = squares + sizes**2 * np.arange(len(sizes), 0, -1)
    place = int(np.searchsorted(left, norm**2))
    bound = math.sqrt(max(norm**2 - squares[place], 0.0) / (len(sizes) - place))
    cut: Float64 = np.clip(gradient, -bound, bound)
    return cut


def angle(one: Float64, other: Float64) -> float:
    """Between two vectors, degrees; 0 if one of them is 0 or no vector of numbers."""
    product: Any = np.linalg.norm(one) * np.linalg.norm(other)
    if not (product > 0 and math.isfinite(product)):
        return 0.0
    # of the difference, as the cosine of a small angle is 1
    unit, turned = one / np.linalg.norm(one), other / np.linalg.norm(other)
    half = min(float(np.linalg.norm(unit - turned)) / 2, 1.0)
    return math.degrees(2 * math.asin(half))
