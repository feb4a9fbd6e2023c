"""Calibration of a model's probabilities: reliability diagram and temperature scaling.

A model that was trained for long is overconfident: what it predicts with 90 % occurs less often.
Dividing its logits by one number, the temperature, corrects most of that and does not change the
order of the characters. The temperature is fitted on one half of a held-out text; the reported
losses are those of the other half.

Notation: M symbols of a text, N of them at a time, V vocabulary size.

Source:
    Guo, Pleiss, Sun & Weinberger (2017), "On Calibration of Modern Neural Networks": temperature
    scaling, the reliability diagram, the expected calibration error.
"""

import threading
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import DataError
from tui_charrnn.generation.scoring import TextScorer
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.header import HIGHEST_TEMPERATURE, LOWEST_TEMPERATURE, Calibration
from tui_charrnn.model.weights import Float32, Float64, Indices
from tui_charrnn.text.numbered_text import IndexedText

BINS: Final = 10
LEAST: Final = 2_000
"""Fewest symbols of each half; a temperature fitted on so many has an error of 1 to 3 %."""
_MOST: Final = 50_000  # symbols of each half
_MOST_NUMBERS: Final = 1 << 24  # logits that are stored for the fit: 64 MB
_MOST_PRODUCTS: Final = 1e11
"""Upper bound of symbols times weights of each half: some seconds for a large network."""
_ROWS: Final = 4096  # symbols of the fit whose probabilities are in memory at a time


class Bin(NamedTuple):
    """One bin of the reliability diagram: predictions of about the same confidence."""

    low: float
    high: float
    symbols: int
    expected: float | None
    """Mean probability of the likeliest symbol (confidence); None if the bin is empty."""
    observed: float | None
    """Share of predictions whose likeliest symbol occurred (accuracy); None likewise."""


class Reliability:
    """Accumulates a reliability diagram: how often the likeliest symbol occurs, by its probability.

    The unknown symbol, if the model has one, is not counted.
    """

    def __init__(self, unknown: int | None = None) -> None:
        self._unknown = -1 if unknown is None else unknown
        self._lock = threading.Lock()
        self.begin()

    def begin(self) -> None:
        """Reset the counts."""
        self._sums = np.zeros((3, BINS))

    def add(self, logits: Float32, targets: Indices) -> None:
        """Count predictions from logits at temperature 1, shape (N, V), and targets, shape (N,).

        May be called from any thread.
        """
        kept = targets != self._unknown
        logits, targets = logits[kept], targets[kept]
        likeliest = logits.argmax(axis=1)
        highest = np.take_along_axis(logits, likeliest[:, None], axis=1)
        with np.errstate(over="ignore", invalid="ignore"):  # reported where a text is scored
            expected = 1 / np.exp(logits - highest).sum(axis=1, dtype=np.float64)
        self.count(np.nan_to_num(expected), likeliest == targets)

    def count(self, expected: Float64, is_right: npt.NDArray[np.bool_]) -> None:
        """Count predictions by their confidence and whether they were right, shape (N,) each."""
        bins = np.clip((expected * BINS).astype(np.intp), 0, BINS - 1)
        weights = (np.ones_like(expected), expected, is_right.astype(np.float64))
        sums = np.stack([np.bincount(bins, each, BINS) for each in weights])
        with self._lock:
            self._sums += sums

    @property
    def bins(self) -> list[Bin]:
        """The ten bins in ascending order; the first is 0 to 10 %."""
        bins = []
        for number, (count, expected, right) in enumerate(self._sums.T.tolist()):
            means = (expected / count, right / count) if count else (None, None)
            bins.append(Bin(number / BINS, (number + 1) / BINS, int(count), *means))
        return bins

    @property
    def error(self) -> float | None:
        """Expected calibration error: the mean of |expected - observed|; None without a symbol."""
        count, expected, right = self._sums
        total = float(count.sum())
        return float(np.abs(expected - right).sum()) / total if total else None


def fit_temperature(logits: Float32, targets: Indices) -> float:
    """Return the temperature that minimizes the mean -ln p of the targets.

    Logits have the shape (M, V), targets the shape (M,). The mean is convex in the inverse of the
    temperature, which is found by Newton steps inside a bracket.

    Raises:
        DataError: If the minimum is outside the bounds of a temperature.
    """
    low, high = 1 / HIGHEST_TEMPERATURE, 1 / LOWEST_TEMPERATURE
    inverse = 1.0
    for _ in range(100):
        slope, curvature = _derivatives(logits, targets, inverse)
        if slope > 0:
            high = inverse
        else:
            low = inverse
        previous = inverse
        inverse -= slope / max(curvature, 1e-12)
        if not low < inverse < high:
            inverse = (low + high) / 2
        if abs(inverse - previous) < 1e-7:
            break
    temperature = round(1 / inverse, 4)
    if not LOWEST_TEMPERATURE < temperature < HIGHEST_TEMPERATURE:
        raise DataError(
            "The fitted temperature is not between {lowest:g} and {highest:g}: the model does "
            "not suit this text.",
            lowest=LOWEST_TEMPERATURE,
            highest=HIGHEST_TEMPERATURE,
        )
    return temperature


def _derivatives(logits: Float32, targets: Indices, inverse: float) -> tuple[float, float]:
    """Return the first and second derivative of the sum of -ln p by the inverse temperature."""
    slope = curvature = 0.0
    for first in range(0, len(targets), _ROWS):
        scores = logits[first : first + _ROWS].astype(np.float64)
        scores -= scores.max(axis=1, keepdims=True)
        powers = np.exp(inverse * scores)
        powers /= powers.sum(axis=1, keepdims=True)
        means = (powers * scores).sum(axis=1)
        chosen = scores[np.arange(len(scores)), targets[first : first + _ROWS]]
        slope += float((means - chosen).sum())
        curvature += float(((powers * scores**2).sum(axis=1) - means**2).sum())
    return slope, curvature


def calibrate(
    model: Model,
    symbols: npt.NDArray[np.integer] | IndexedText,
    units_per_character: float = 1.0,
    *,
    threads: int = 1,
) -> Calibration:
    """Fit the temperature on the first half of a held-out text and evaluate it on the second.

    `symbols` are indices of the vocabulary, shape (M,). An earlier calibration of the model is
    ignored. Losses are multiplied by `units_per_character`, as in training.

    Raises:
        DataError: If the text is too short, no temperature fits, or the fitted one does not lower
            the loss of the second half.
        ModelFileError: If the model's logits are not finite.
    """
    half = len(symbols) // 2
    if half < LEAST:
        raise DataError(
            "A calibration needs at least {least:,} symbols of held-out text, half to fit and "
            "half to evaluate. Received: {count:,}.",
            least=2 * LEAST,
            count=len(symbols),
        )
    parameters = sum(each.kernel.size + each.recurrent_kernel.size for each in model.weights.layers)
    most = int(min(_MOST, _MOST_NUMBERS / len(model.vocabulary), _MOST_PRODUCTS / parameters))
    count = min(half, max(most, LEAST))
    fitted = np.asarray(symbols[:half][:count], np.intp)
    judged = np.asarray(symbols[half:][:count], np.intp)
    plain = replace(model, weights=model.weights.at_temperature(1.0))
    temperature = fit_temperature(*_logits_and_targets(plain, fitted, threads))
    before, after = (
        float(TextScorer(each, threads=threads).nats(judged).mean()) * units_per_character
        for each in (plain, replace(model, weights=model.weights.at_temperature(temperature)))
    )
    if not after < before:
        raise DataError(
            "The temperature that fits one half of the held-out text, {temperature:.4f}, does not "
            "lower the loss on the other half: {before:.4f} to {after:.4f} nats per character. The "
            "model stays as it is.",
            temperature=temperature,
            before=before,
            after=after,
        )
    characters = round(count / units_per_character)
    return Calibration(temperature, before, after, characters, characters)


def _logits_and_targets(model: Model, symbols: Indices, threads: int) -> tuple[Float32, Indices]:
    """Return the logits and targets of all symbols, in any order."""
    kept: list[tuple[Float32, Indices]] = []

    def keep(logits: Float32, targets: Indices) -> None:
        kept.append((logits.copy(), targets.copy()))

    TextScorer(model, threads=threads, listener=keep).nats(symbols)
    logits, targets = zip(*kept, strict=True)
    return np.concatenate(logits), np.concatenate(targets)
