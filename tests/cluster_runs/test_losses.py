"""One that is lost before all have begun: the others do not wait for it."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.support.cluster_run import ClusterRun

pytestmark = pytest.mark.tensorflow


def test_one_that_dies_while_it_begins_is_named(cluster: ClusterRun, corpus: Path) -> None:
    cluster.start([corpus, corpus])
    found: list[int] = []

    def has_begun() -> bool:
        for status in (cluster.folder / "place-1").glob("charrnn-tui-*/*/state.json"):
            found.append(json.loads(status.read_text(encoding="utf-8"))["pid"])
        return any(found)

    cluster.wait_for("the trainer of rank 1 is there", has_begun)
    os.kill(found[-1], signal.SIGKILL)
    chief, other = cluster.end()
    assert (chief.returncode, other.returncode) == (75, 1), (chief, other)
    assert b"Rank 1 (127.0.0.1:" in chief.stderr
    assert b"has ended with exit code 1" in chief.stderr
