"""A small RNN trained in NumPy, to demonstrate gradient clipping.

It is small enough to train live: one tanh layer, one-hot characters, truncated backpropagation
through time over a few streams, plain gradient descent; all in float64.

Notation: V vocabulary size, H hidden size, B streams, T sequence length, P number of parameters.

Source:
    Pascanu, Mikolov & Bengio (2013), "On the difficulty of training recurrent neural networks".
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np

from tui_charrnn.config import ClippingSettings
from tui_charrnn.model.weights import Float64, Indices

TEXT: Final = "the quick brown fox jumps over the lazy dog. "
"""The training text, repeated; it contains every letter."""
_HIDDEN: Final = 32
_STREAMS: Final = 4
_LENGTH: Final = 30
_DIVERGED: Final = 3.0  # a run diverged once its loss exceeds this multiple of a uniform guess


class ClippingStep(NamedTuple):
    """One step of a run."""

    loss: float
    """Mean over the batch, before the update, nats per character."""
    norm: float
    """Of the unclipped gradient."""
    applied: float
    """Norm of the gradient that was applied."""
    angle: float
    """Between the two gradients, degrees."""
    elementwise_angle: float
    """The angle if each element were clipped instead, to the same norm."""


class SmallRnn:
    """h = tanh(x @ kernel + h @ recurrent_kernel + bias), softmax(h @ output + output_bias)."""

    def __init__(
        self, vocabulary: int, hidden: int, radius: float, rng: np.random.Generator
    ) -> None:
        """Initialize the weights; `radius` is the spectral radius of the recurrent kernel."""
        recurrent = rng.standard_normal((hidden, hidden))
        recurrent *= radius / np.abs(np.linalg.eigvals(recurrent)).max()
        self.parameters: list[Float64] = [
            rng.standard_normal((vocabulary, hidden)) * 0.5,
            recurrent,
            np.zeros(hidden),
            rng.standard_normal((hidden, vocabulary)) / math.sqrt(hidden),
            np.zeros(vocabulary),
        ]
        """Kernel (V, H), recurrent kernel (H, H), bias (H,), output (H, V), output bias (V,)."""

    def gradient(
        self, inputs: Indices, targets: Indices, state: Float64
    ) -> tuple[float, list[Float64], Float64]:
        """Compute loss and gradient of a batch by backpropagation through time.

        Inputs and targets have the shape (T, B), the initial h the shape (B, H). Returns the mean
        loss in nats, the gradient in the order of `parameters`, and the final h, shape (B, H).
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
        scores = (powers / totals - np.eye(len(output_bias))[targets]) / (steps * streams)
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
    """A training run, step by step, with or without clipping."""

    def __init__(self, settings: ClippingSettings, *, is_clipped: bool) -> None:
        self._settings = settings
        self._is_clipped = is_clipped
        characters = sorted(set(TEXT))
        self.guess: Final = math.log(len(characters))
        """The loss of a uniform guess, nats per character."""
        self.network: Final = SmallRnn(
            len(characters), _HIDDEN, settings.radius, np.random.default_rng(settings.rng_seed)
        )
        self._text = np.array([characters.index(each) for each in TEXT])
        self._places = np.arange(_STREAMS) * (len(TEXT) // _STREAMS)
        self._state: Float64 = np.zeros((_STREAMS, _HIDDEN))
        self.steps: Final[list[ClippingStep]] = []

    @property
    def has_diverged(self) -> bool:
        """Whether the loss was ever NaN, or far above that of a uniform guess."""
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
            clipped = clipped_by_element(flat, min(norm, limit))
            step = ClippingStep(
                loss, norm, norm * scale, angle(flat, flat * scale), angle(flat, clipped)
            )
        self.steps.append(step)
        return step


def clipped_by_element(gradient: Float64, norm: float) -> Float64:
    """Clip every element of a gradient, shape (P,), to the bound that gives the result a norm.

    A gradient whose norm is not above `norm`, or not finite, is returned unchanged.
    """
    sizes = np.sort(np.abs(gradient))
    if not np.isfinite(sizes).all() or norm >= np.linalg.norm(gradient):
        return gradient
    # squared norm of the result if sizes[i] is the bound: smaller elements stay, others become it
    squares = np.concatenate([[0.0], np.cumsum(sizes[:-1] ** 2)])
    clipped_squares = squares + sizes**2 * np.arange(len(sizes), 0, -1)
    count = int(np.searchsorted(clipped_squares, norm**2))  # elements below the bound
    bound = math.sqrt(max(norm**2 - squares[count], 0.0) / (len(sizes) - count))
    clipped: Float64 = np.clip(gradient, -bound, bound)
    return clipped


def angle(one: Float64, other: Float64) -> float:
    """Return the angle between two vectors, degrees; 0 if one of them is 0 or not finite."""
    product: Any = np.linalg.norm(one) * np.linalg.norm(other)
    if not (product > 0 and math.isfinite(product)):
        return 0.0
    # by the distance, as the cosine of a small angle rounds to 1
    unit, other_unit = one / np.linalg.norm(one), other / np.linalg.norm(other)
    half = min(float(np.linalg.norm(unit - other_unit)) / 2, 1.0)
    return math.degrees(2 * math.asin(half))
