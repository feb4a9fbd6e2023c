"""Several devices give the same losses, norms and saved states as one device."""

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from tests.support.command import PATIENCE, ROOT

pytestmark = pytest.mark.trainer

ROUNDING = 2e-5
"""Relative: what some steps in float32 make of sums that are added up in another order."""


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """Return the results of `tests.support.mirrored_training`."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.support.mirrored_training"],
        cwd=ROOT,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr.decode()[-3000:]
    document: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return document


def test_one_device_split_in_two_trains_what_one_trains(found: dict[str, Any]) -> None:
    assert len(found["two"]) == 40
    np.testing.assert_allclose(found["two"], found["one"], rtol=ROUNDING)


def test_gradients_are_clipped_after_they_are_added_up(found: dict[str, Any]) -> None:
    """If clipped before averaging, each half would have the norm limit, and other losses."""
    norms = np.array(found["one"])[:, 1]
    assert (norms > 0.1).mean() > 0.9  # the limit
    np.testing.assert_allclose(np.array(found["two"])[:, 1], norms, rtol=100 * ROUNDING)


def test_another_number_of_devices_goes_on(found: dict[str, Any]) -> None:
    np.testing.assert_allclose(found["one_again"], found["two"], rtol=ROUNDING)


def test_a_checkpoint_holds_the_states_of_all_streams(found: dict[str, Any]) -> None:
    assert set(found["states"].values()) == {8}


def test_one_and_two_score_alike(found: dict[str, Any]) -> None:
    assert np.ptp(found["held_out"]) < ROUNDING


def test_a_replica_whose_weights_differ_in_one_bit_goes_on_with_what_is_saved(
    found: dict[str, Any],
) -> None:
    assert found["alike"] == [True, False, True]


def test_compiled_steps_are_the_same_steps(found: dict[str, Any]) -> None:
    np.testing.assert_allclose(found["compiled"], found["one"], rtol=ROUNDING)


def test_what_is_dropped_depends_on_the_part_not_on_its_device(found: dict[str, Any]) -> None:
    np.testing.assert_allclose(found["dropping_on_two"], found["dropping"], rtol=ROUNDING)
    assert not np.allclose(found["dropping"], found["one"][:15], rtol=1e-3)


def test_a_model_that_reads_both_directions_is_divided_alike(found: dict[str, Any]) -> None:
    np.testing.assert_allclose(found["both_on_two"], found["both"], rtol=ROUNDING)


def test_a_step_that_is_not_finite_is_taken_nowhere(found: dict[str, Any]) -> None:
    assert found["not_finite"] == "nan"
    assert found["states_stay"]


def test_the_steps_of_a_call_are_single_steps(found: dict[str, Any]) -> None:
    """With masks, cold streams and clipping; the calls are of three, one and four steps."""
    np.testing.assert_allclose(found["calls"], found["calls_singly"], rtol=ROUNDING)
    assert found["calls_apart"] < 1e-5
    assert found["calls_alike"]
    assert found["calls_newest"] == len(found["calls"]) == 8


def test_a_call_of_another_number_of_steps_is_not_traced_anew(found: dict[str, Any]) -> None:
    assert found["calls_traced"] == 1


def test_nothing_is_applied_from_a_step_on_that_is_not_finite(found: dict[str, Any]) -> None:
    assert len(found["failing"]) == 3
    assert np.isfinite(found["failing"][:2]).all()
    assert not np.isfinite(found["failing"][2])
    assert found["failing_apart"] == 0.0
    assert found["failing_newest"] == 2
