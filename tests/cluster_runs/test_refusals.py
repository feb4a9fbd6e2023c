"""Processes that cannot train together say why, on every side, and write nothing."""

import os
import socket
from pathlib import Path

import pytest

from tests.support.cluster_run import ClusterRun, free_addresses
from tests.support.command import ROOT
from tui_charrnn import __version__


def assert_nothing_written(cluster: ClusterRun) -> None:
    assert not cluster.run.path.exists()
    assert list(cluster.folder.glob("place-*/*")) == []


def refused(cluster: ClusterRun, code: int, *words: str) -> None:
    """All end with a code, each with all of the words; nothing is written."""
    for ended in cluster.end():
        assert ended.returncode == code, ended
        told = ended.stderr.decode()
        assert all(word in told for word in words), told
    assert_nothing_written(cluster)


def changed(folder: Path, code: str) -> dict[str, str]:
    """Variables for a program that runs some code before it begins."""
    (folder / "sitecustomize.py").write_text(code, encoding="utf-8")
    return {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


def test_different_corpora(cluster: ClusterRun, corpus: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("not to be, or to be: that is no question.\n" * 200, encoding="utf-8")
    cluster.start([corpus, other])
    refused(cluster, 3, "corpus")


def test_different_settings(cluster: ClusterRun, corpus: Path) -> None:
    addresses = free_addresses(2)
    cluster.start([corpus], "--learning-rate=0.01", cluster=addresses)
    cluster.start([corpus], "--learning-rate=0.02", ranks=[1], cluster=addresses)
    refused(cluster, 2, "--learning-rate", "0.01", "0.02")


def test_different_versions(cluster: ClusterRun, corpus: Path, tmp_path: Path) -> None:
    later = changed(tmp_path, "import tui_charrnn\n\ntui_charrnn.__version__ = '99.0'\n")
    addresses = free_addresses(2)
    cluster.start([corpus], cluster=addresses)
    cluster.start([corpus], ranks=[1], cluster=addresses, variables=later)
    refused(cluster, 2, "the same program", f"{__version__} on rank 0", "99.0 on rank 1")


def test_two_equal_ranks(cluster: ClusterRun, corpus: Path, tmp_path: Path) -> None:
    hasty = changed(
        tmp_path, "from tui_charrnn.cluster import reception\n\nreception.REFUSING = 1.0\n"
    )
    cluster.start([corpus] * 3, "--batch-size=9", ranks=[0, 1, 1], variables=hasty)
    refused(cluster, 2, "rank")


def test_a_rank_that_there_is_not(cluster: ClusterRun, corpus: Path) -> None:
    cluster.start([corpus], ranks=[2], cluster=free_addresses(2))
    refused(cluster, 2, "rank")


def test_a_batch_that_cannot_be_divided(cluster: ClusterRun, corpus: Path) -> None:
    cluster.start([corpus], cluster=free_addresses(3))
    refused(cluster, 2, "batch_size=8", "6 or 9")


def test_a_cluster_without_headless(cluster: ClusterRun, corpus: Path) -> None:
    cluster.start([corpus], "--detach", cluster=free_addresses(2))
    refused(cluster, 2, "--headless")


@pytest.mark.parametrize("devices", ["0", "many", "99999"])
def test_a_number_of_devices_that_is_none(cluster: ClusterRun, corpus: Path, devices: str) -> None:
    cluster.start([corpus], f"--devices={devices}", cluster=free_addresses(2))
    refused(cluster, 2, "--devices", devices)


def test_a_port_that_is_in_use(cluster: ClusterRun, corpus: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        cluster.start([corpus], cluster=f"{address},{free_addresses(1)}")
        refused(cluster, 2, address)


def test_one_that_never_comes_is_named(cluster: ClusterRun, corpus: Path) -> None:
    addresses = free_addresses(2)
    cluster.start([corpus], "--meet-within=2s", cluster=addresses)
    refused(cluster, 75, "ank 1", addresses.partition(",")[2])


def test_a_run_whose_name_is_taken(cluster: ClusterRun, corpus: Path, tmp_path: Path) -> None:
    taken = tmp_path / "runs" / cluster.name
    taken.mkdir(parents=True)
    (taken / "note").touch()
    cluster.start([corpus, corpus])
    for ended in cluster.end():
        assert ended.returncode == 2, ended
        assert "another name" in ended.stderr.decode()
    assert [each.name for each in taken.iterdir()] == ["note"]
