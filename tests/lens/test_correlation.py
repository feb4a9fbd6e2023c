"""Pearson's r from sums, against NumPy's own over the whole."""

import numpy as np
import pytest

from tui_charrnn.lens.neurons import Correlation


def random_rows(rng_seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(rng_seed)
    left = rng.standard_normal((300, 4)).astype(np.float32)
    right = (rng.standard_normal((300, 3)) + left[:, :3]).astype(np.float32)
    return left, right


@pytest.mark.parametrize("near", [0.0, 1.5])
def test_r_is_that_of_numpy_however_the_rows_come(near: float) -> None:
    left, right = random_rows(1)
    expected = np.corrcoef(left.T.astype(np.float64), right.T.astype(np.float64))[4:, :4]
    one, other = (Correlation(np.full(4, near), np.full(3, -near)) for _ in range(2))
    one.add(left[:1], right[:1])
    one.add(left[1:120], right[1:120])
    other.add(left[120:], right[120:])

    one.merge(other)

    assert one.count == 300
    np.testing.assert_allclose(one.coefficients(), expected, atol=1e-7)
    np.testing.assert_allclose(one.left_means, left.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(one.left_deviations, left.std(axis=0), atol=1e-6)
    np.testing.assert_allclose(one.right_means, right.mean(axis=0), atol=1e-6)


def test_what_never_varies_has_no_r() -> None:
    left, right = random_rows(2)
    left[:, 1], right[:, 2] = 0.1, 7
    found = Correlation(np.zeros(4), np.zeros(3))
    for part in range(0, 300, 7):
        found.add(left[part : part + 7], right[part : part + 7])

    r = found.coefficients()

    assert np.isnan(r[:, 1]).all()
    assert np.isnan(r[2]).all()
    assert np.isfinite(r[:2][:, [0, 2, 3]]).all()


def test_what_hardly_varies_about_a_large_value_is_not_lost() -> None:
    rng = np.random.default_rng(3)
    right = rng.integers(0, 2, (4000, 1)).astype(np.float32)
    left = (1000 + 0.001 * right).astype(np.float32)  # some steps of 32-bit numbers
    found = Correlation(np.full(1, 1000.0), np.full(1, 0.5))

    found.add(left, right)

    assert found.coefficients()[0, 0] == pytest.approx(1, abs=1e-6)


def test_before_the_first_row_nothing_is_known() -> None:
    assert np.isnan(Correlation(np.zeros(2), np.zeros(1)).coefficients()).all()
