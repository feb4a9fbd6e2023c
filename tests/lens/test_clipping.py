"""The RNN in NumPy: its gradient, and the effect of clipping on its training."""

import math
from typing import Any

import numpy as np
import pytest

from tui_charrnn.config import ClippingSettings
from tui_charrnn.lens.clipping import (
    TEXT,
    ClippingRun,
    ClippingStep,
    SmallRnn,
    angle,
    clipped_by_element,
)
from tui_charrnn.viewing.gradient_pictures import clipping_document, clipping_rows


def test_the_gradient_is_that_of_the_finite_differences() -> None:
    rng = np.random.default_rng(3)
    network = SmallRnn(5, 4, 1.7, rng)
    inputs, targets = rng.integers(0, 5, (2, 6, 3))
    state = rng.standard_normal((3, 4))
    _, gradient, _ = network.gradient(inputs, targets, state)
    for parameter, found in zip(network.parameters, gradient, strict=True):
        for place in np.ndindex(parameter.shape):
            kept, ends = parameter[place], []
            for sign in (-1, 1):
                parameter[place] = kept + sign * 1e-6
                ends.append(network.gradient(inputs, targets, state)[0])
            parameter[place] = kept
            assert found[place] == pytest.approx((ends[1] - ends[0]) / 2e-6, rel=1e-5, abs=1e-8)


def test_the_spectral_radius_is_the_one_that_is_asked_for() -> None:
    recurrent = SmallRnn(5, 16, 1.7, np.random.default_rng(0)).parameters[1]
    assert np.abs(np.linalg.eigvals(recurrent)).max() == pytest.approx(1.7)


def test_without_a_limit_it_diverges_and_with_one_it_learns() -> None:
    settings = ClippingSettings()
    free, limited = (ClippingRun(settings, is_clipped=each) for each in (False, True))
    for run in (free, limited):
        for _ in range(settings.steps):
            run.advance()
    assert free.steps[0].loss == limited.steps[0].loss
    assert free.has_diverged
    assert np.mean([step.loss for step in free.steps[-50:]]) > 2 * free.guess
    assert not limited.has_diverged
    assert limited.steps[-1].loss < 0.01


def test_the_recorded_norm_is_that_of_the_gradient_and_the_limit_holds() -> None:
    run = ClippingRun(ClippingSettings(limit=0.7), is_clipped=True)
    characters = sorted(set(TEXT))
    text = np.array([characters.index(each) for each in TEXT * 3])
    places = np.arange(4) * (len(TEXT) // 4)
    before = [each.copy() for each in run.network.parameters]
    window = text[np.arange(31)[:, None] + places]
    _, gradient, _ = run.network.gradient(window[:-1], window[1:], np.zeros((4, 32)))
    norm = math.sqrt(sum(float((each**2).sum()) for each in gradient))
    step = run.advance()
    moved = zip(before, run.network.parameters, strict=True)
    applied = math.sqrt(sum(float(((one - other) ** 2).sum()) for one, other in moved)) / 2.0
    assert step.norm == pytest.approx(norm, rel=1e-12)
    assert step.applied == pytest.approx(min(norm, 0.7), rel=1e-12)
    assert step.applied == pytest.approx(applied, rel=1e-9)
    assert step.angle == pytest.approx(0.0, abs=1e-6)


def test_cutting_each_number_leaves_the_norm_and_turns_the_gradient() -> None:
    gradient = np.array([3.0, -4.0, 0.5, 0.1])
    cut = clipped_by_element(gradient, 2.0)
    assert np.linalg.norm(cut) == pytest.approx(2.0)
    bound = np.abs(cut).max()
    assert cut == pytest.approx(np.clip(gradient, -bound, bound))
    cosine = gradient @ cut / (np.linalg.norm(gradient) * 2.0)
    assert angle(gradient, cut) == pytest.approx(math.degrees(math.acos(cosine)))
    assert clipped_by_element(gradient, 9.0) is gradient


@pytest.mark.parametrize("size", [(80, 22), (40, 12), (160, 40)])
def test_the_picture_fits_and_tells_both_runs(size: tuple[int, int]) -> None:
    settings = ClippingSettings(steps=30)
    runs = [ClippingRun(settings, is_clipped=each) for each in (False, True)]
    for run in runs:
        for _ in range(settings.steps):
            run.advance()
    rows = clipping_rows(runs, settings, *size)
    assert len(rows) <= size[1]
    assert all(len(row) <= size[0] for row in rows)
    assert {"●", "◆"} <= set("".join(rows))
    document: Any = clipping_document(runs, settings)
    assert [len(run["loss"]) for run in document["runs"]] == [30, 30]
    assert document["runs"][1]["norm"][0] == runs[1].steps[0].norm


def test_large_numbers_of_the_table_stay_apart() -> None:
    settings = ClippingSettings(limit=1e-05, steps=1_000)
    runs = [ClippingRun(settings, is_clipped=each) for each in (False, True)]
    runs[1].steps.extend([ClippingStep(1.23e-05, 1.23e05, 1.23e-05, 0.0, 0.0)] * 1_000)
    cells = clipping_rows(runs, settings, 80, 22)[-1].split()
    assert cells[1:7] == ["limit", "1e-05", "1,000", "1.23e-05", "1.23e+05", "1.23e-05"]
