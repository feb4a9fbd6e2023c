"""A training that is killed 25 times at random moments ends as if it had never been."""

from pathlib import Path

import pytest

from tests.stress.kill_loop import kill_and_resume

pytestmark = [pytest.mark.trainer, pytest.mark.stress]


def test_kills_at_random_leave_no_trace(tmp_path: Path) -> None:
    tally = kill_and_resume(tmp_path, kills=25, rng_seed=11)
    assert tally.kills == 25
    assert tally.resumed >= 25 - 5  # some die before they have said that they resume
