"""The temperature that was put into a model is found again, and probabilities that are true are
shown to be so; the half that is judged is never fitted on."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tests.support.markov_model import markov_model
from tests.support.tiny_model import tiny_model
from tui_charrnn.config import ModelConfig
from tui_charrnn.errors import DataError
from tui_charrnn.generation import calibration
from tui_charrnn.generation.calibration import LEAST, Reliability, calibrate, fit_temperature
from tui_charrnn.generation.scoring import TextScorer
from tui_charrnn.model.checkpoint import Model

HIGHEST = np.array([0.32, 0.55, 0.67, 0.83, 0.95])
"""Of the likeliest successor of each of five symbols; the others have equal parts of the rest."""
TRANSITIONS = np.stack([
    np.where(np.arange(5) == (row + 2) % 5, high, (1 - high) / 4)
    for row, high in enumerate(HIGHEST)
])
LENGTH = 40_000


def sampled(transitions: np.ndarray = TRANSITIONS, length: int = LENGTH) -> np.ndarray:
    """Symbols that follow each other by these probabilities."""
    rng = np.random.default_rng(1)
    ends = transitions.cumsum(axis=1)
    symbols, last = [], 0
    for uniform in rng.random(length).tolist():
        last = min(int((ends[last] <= uniform).sum()), len(ends) - 1)
        symbols.append(last)
    return np.array(symbols)


SYMBOLS = sampled()
SCORES = np.log(TRANSITIONS)[SYMBOLS]
"""After each, shape (M, V)."""
_MEANS = (np.exp(SCORES) * SCORES).sum(axis=1)
_VARIANCE = float(((np.exp(SCORES) * SCORES**2).sum(axis=1) - _MEANS**2).mean())
STANDARD_ERROR = (_VARIANCE * LENGTH / 2) ** -0.5
"""Of a temperature that is fitted on half of them, by Fisher's information; relative."""


def too_sure(factor: float) -> Model:
    """The chain that the symbols come from, its scores multiplied by a factor."""
    model = markov_model(TRANSITIONS)
    weights = model.weights
    return replace(
        model,
        weights=replace(
            weights,
            output_kernel=factor * weights.output_kernel,
            output_bias=factor * weights.output_bias,
        ),
    )


@pytest.mark.parametrize("factor", [0.8, 1.2, 2.0])
def test_a_known_temperature_is_recovered(factor: float) -> None:
    found = calibrate(too_sure(factor), SYMBOLS)
    # three times the standard error that 20,000 symbols of this chain leave
    assert found.temperature == pytest.approx(factor, rel=3 * STANDARD_ERROR)


def test_scores_times_a_factor_have_their_temperature_times_it() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3_000, 7)).astype(np.float32)
    targets = rng.integers(0, 7, 3_000)
    targets[:1_500] = logits[:1_500].argmax(axis=1)
    plain = fit_temperature(logits, targets)
    assert fit_temperature(np.float32(1.2) * logits, targets) == pytest.approx(
        1.2 * plain, abs=2e-4
    )


def test_the_fitted_temperature_has_the_lowest_loss() -> None:
    rng = np.random.default_rng(1)
    logits = (3 * rng.normal(size=(2_000, 4))).astype(np.float32)
    targets = np.where(rng.random(2_000) < 0.6, logits.argmax(axis=1), rng.integers(0, 4, 2_000))

    def loss(temperature: float) -> float:
        scores = logits.astype(np.float64) / temperature
        chosen = scores[np.arange(len(targets)), targets]
        return float((np.log(np.exp(scores).sum(axis=1)) - chosen).mean())

    found = fit_temperature(logits, targets)
    grid = np.arange(0.3, 4, 0.01)
    assert found == pytest.approx(grid[np.argmin([loss(each) for each in grid])], abs=0.01)
    assert loss(found) <= min(loss(found * 1.001), loss(found / 1.001))


def test_the_losses_are_those_of_the_other_half() -> None:
    model = too_sure(1.5)
    found = calibrate(model, SYMBOLS)
    half = len(SYMBOLS) // 2
    calibrated = replace(model, weights=model.weights.at_temperature(found.temperature))
    for loss, judge in ((found.loss_before, model), (found.loss, calibrated)):
        assert loss == float(TextScorer(judge).nats(SYMBOLS[half:]).mean())
    assert found.loss < found.loss_before - 0.01
    assert (found.fitted_characters, found.judged_characters) == (half, half)


def test_what_is_judged_is_never_seen_by_the_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second half does not influence the fit."""
    seen = []
    fit = calibration.fit_temperature

    def spy(logits: np.ndarray, targets: np.ndarray) -> float:
        seen.append((logits.copy(), targets.copy()))
        return fit(logits, targets)

    monkeypatch.setattr(calibration, "fit_temperature", spy)
    half = len(SYMBOLS) // 2
    other = np.concatenate([SYMBOLS[:half], np.full(half, 3)])
    first, second = (calibrate(too_sure(1.2), each) for each in (SYMBOLS, other))
    for one, two in zip(*seen, strict=True):
        np.testing.assert_array_equal(one, two)
    assert first.temperature == second.temperature
    assert first.loss != second.loss


def test_a_temperature_that_does_not_help_the_other_half_is_refused() -> None:
    """The first half is less certain than the model, in the second the likeliest always follows."""
    half = LENGTH // 2
    certain = (SYMBOLS[half - 1] + 2 * np.arange(1, half + 1)) % 5
    with pytest.raises(DataError, match=r"1\.2\d+, does not lower the loss"):
        calibrate(too_sure(1.2), np.concatenate([SYMBOLS[:half], certain]))


def test_what_a_model_was_calibrated_to_before_does_not_matter() -> None:
    model = too_sure(1.2)
    again = replace(model, weights=model.weights.at_temperature(3))
    assert calibrate(again, SYMBOLS) == calibrate(model, SYMBOLS)


def test_losses_are_per_character() -> None:
    one, two = (calibrate(too_sure(1.2), SYMBOLS, units) for units in (1.0, 2.0))
    assert two.loss == 2 * one.loss
    assert two.judged_characters * 2 == one.judged_characters


@pytest.mark.parametrize("direction", ["forward", "both"])
@pytest.mark.parametrize("streams", [None, 1, 7])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_listener_is_told_of_every_symbol_once(
    direction: str, streams: int | None, threads: int
) -> None:
    config = ModelConfig(embedding_size=3, hidden_size=5, direction=direction)
    symbols = np.random.default_rng(0).integers(0, 12, 9_001)
    observed: list[np.ndarray] = []

    def listen(logits: np.ndarray, targets: np.ndarray) -> None:
        chosen = logits[np.arange(len(targets)), targets]
        observed.append(np.log(np.exp(logits).sum(axis=1)) - chosen)

    model = tiny_model(config=config)
    nats = TextScorer(model, streams=streams, threads=threads, listener=listen).nats(symbols)
    np.testing.assert_allclose(np.sort(np.concatenate(observed)), np.sort(nats), atol=1e-5)


def test_too_little_text_is_refused() -> None:
    with pytest.raises(DataError, match=r"at least 4,000 symbols .* Received: 3,999"):
        calibrate(too_sure(1.2), SYMBOLS[: 2 * LEAST - 1])


@pytest.mark.parametrize("is_certain", [True, False], ids=["all right", "all wrong"])
def test_a_fit_without_an_end_is_refused(is_certain: bool) -> None:
    logits = np.tile(np.array([1, 0, 0], np.float32), (2_000, 1))
    with pytest.raises(DataError, match=r"not between 0\.25 and 4"):
        fit_temperature(logits, np.full(2_000, 0 if is_certain else 1))


def test_true_probabilities_lie_on_the_diagonal() -> None:
    found = Reliability()
    TextScorer(too_sure(1), listener=found.add).nats(SYMBOLS)
    filled = [each for each in found.bins if each.symbols]
    assert sum(each.symbols for each in filled) == LENGTH
    assert len(filled) == 5
    for each in filled:
        assert each.expected is not None
        assert each.observed is not None
        assert each.low <= each.expected <= each.high
        error = (each.expected * (1 - each.expected) / each.symbols) ** 0.5
        assert abs(each.observed - each.expected) < 4 * error
    assert found.error == pytest.approx(0, abs=0.01)


def test_a_model_that_is_too_sure_lies_below_it() -> None:
    found = Reliability()
    TextScorer(too_sure(2.5), listener=found.add).nats(SYMBOLS)
    sure = [each for each in found.bins if each.symbols > 1_000 and each.low >= 0.5]
    assert sure
    for each in sure:
        assert each.expected is not None
        assert each.observed is not None
        assert each.observed < each.expected - 0.1
    assert found.error is not None
    assert found.error > 0.1


def test_the_bins_are_what_they_say() -> None:
    logits = np.log(np.array([[0.55, 0.45], [0.95, 0.05], [0.05, 0.95], [0.92, 0.08]]))
    found = Reliability(unknown=None)
    found.add(logits.astype(np.float32), np.array([0, 0, 0, 0]))
    assert [each.symbols for each in found.bins] == [0, 0, 0, 0, 0, 1, 0, 0, 0, 3]
    assert [low.high for low in found.bins[:-1]] == [high.low for _, high in pairwise(found.bins)]
    last = found.bins[-1]
    assert last.expected == pytest.approx((0.95 + 0.95 + 0.92) / 3)
    assert last.observed == pytest.approx(2 / 3)
    assert found.bins[0].expected is None
    assert found.error == pytest.approx((0.45 + abs(2.82 - 2)) / 4)
    assert Reliability().error is None


def test_the_unknown_symbol_counts_in_no_bin() -> None:
    found = Reliability(unknown=1)
    found.add(np.zeros((3, 4), np.float32), np.array([1, 0, 1]))
    assert sum(each.symbols for each in found.bins) == 1
