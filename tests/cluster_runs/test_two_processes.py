"""Two processes on one machine train what one trains, to the end; `make stress` takes more."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.cluster_run import ClusterRun
from tests.support.lone_run import losses_of, train_to_the_end, untrained_twin
from tests.support.small_run import of_kind, status_of
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.records import SplitEvaluated

pytestmark = pytest.mark.tensorflow


def test_two_processes_train_what_one_trains(
    cluster: ClusterRun, corpus: Path, tmp_path: Path
) -> None:
    cluster.start([corpus] * 2, "--steps=60")
    ended = cluster.end()
    assert [each.returncode for each in ended] == [0, 0], ended
    assert status_of(cluster.run).state is RunState.FINISHED
    twin = untrained_twin(cluster.run, tmp_path / "alone")
    train_to_the_end(twin)
    losses, expected = losses_of(cluster.run), losses_of(twin)
    assert list(losses) == list(range(1, 61))
    np.testing.assert_allclose(
        [losses[step] for step in losses], [expected[step] for step in losses], atol=2e-3
    )
    scores, alone = of_kind(cluster.run, SplitEvaluated), of_kind(twin, SplitEvaluated)
    np.testing.assert_allclose(
        [each.loss for each in scores], [each.loss for each in alone], atol=2e-3
    )
