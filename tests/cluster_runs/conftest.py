"""Texts and clusters for the tests of whole trainings over several processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cluster_run import ClusterRun, cluster_run


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A text of some thousand characters."""
    path = tmp_path / "corpus.txt"
    path.write_text("to be, or not to be: that is the question.\n" * 200, encoding="utf-8")
    return path


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[ClusterRun]:
    """Processes that are gone after the test, and have left no temporary files."""
    with cluster_run(tmp_path) as made:
        yield made
    assert made.temporary_files() == []
