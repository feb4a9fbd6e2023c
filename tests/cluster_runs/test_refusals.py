"""Processes that cannot train together say why, on every side, and write nothing."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.support.cluster_run import ClusterRun, free_addresses
from tests.support.command import ROOT
from tests.support.tiny_model import tiny_config, tiny_model_file
from tui_charrnn import __version__

pytestmark = [pytest.mark.trainer, pytest.mark.stress]
SIZES = pytest.mark.parametrize("size", [2, 3])


def refused(
    cluster: ClusterRun, code: int, *words: str
) -> list["subprocess.CompletedProcess[bytes]"]:
    """All end with a code, each with all of the words; nothing is written."""
    all_ended = cluster.end()
    for ended in all_ended:
        assert ended.returncode == code, ended
        told = ended.stderr.decode()
        assert all(word in told for word in words), told
        assert "failed at" not in told
    assert not cluster.run.path.exists()
    return all_ended


@SIZES
def test_different_corpora(cluster: ClusterRun, corpus: Path, tmp_path: Path, size: int) -> None:
    other = tmp_path / "other.txt"
    other.write_text("not to be, or to be: that is no question.\n" * 200, encoding="utf-8")
    cluster.start([*[corpus] * (size - 1), other])
    refused(cluster, 3, "the same corpus", "on rank 0", f"on rank {size - 1}")


@SIZES
@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("damage", ["missing", "not UTF-8", "empty"])
def test_a_text_that_one_rank_cannot_read(
    cluster: ClusterRun, corpus: Path, tmp_path: Path, size: int, rank: int, damage: str
) -> None:
    broken = tmp_path / "broken.txt"
    if damage != "missing":
        broken.write_bytes(b"" if damage == "empty" else b"abc \xff\xfe def\n" * 200)
    cluster.start([broken if each == rank else corpus for each in range(size)])
    ended = refused(cluster, 3, "broken.txt")
    reason = ended[rank].stderr.decode().splitlines()[-1].removeprefix("charrnn-tui: ")
    assert all(reason in each.stderr.decode() for each in ended), ended


@SIZES
def test_different_settings(cluster: ClusterRun, corpus: Path, size: int) -> None:
    own = {size - 1: ["--learning-rate=0.02"]}
    cluster.start([corpus] * size, "--learning-rate=0.01", own=own)
    refused(cluster, 2, "--learning-rate", "0.01", "0.02", f"rank {size - 1} (127.0.0.1:")


@pytest.mark.parametrize("rank", [0, 1])
def test_a_preset_that_one_rank_does_not_know(cluster: ClusterRun, corpus: Path, rank: int) -> None:
    cluster.start([corpus] * 2, own={rank: ["--preset=giant"]})
    refused(cluster, 2, "There is no preset 'giant'")


def test_different_starting_models(cluster: ClusterRun, corpus: Path, tmp_path: Path) -> None:
    starts, config = [], tiny_config(embedding_size=4, hidden_size=8)
    for seed in (0, 1):
        tiny_model_file(tmp_path / f"{seed}.safetensors", config=config, rng_seed=seed)
        starts.append([f"--from={tmp_path / f'{seed}.safetensors'}"])
    cluster.start([corpus] * 2, own=dict(enumerate(starts)))
    refused(cluster, 3, "the same starting model (--from)", "on rank 0", "on rank 1")
    cluster.start([corpus] * 2, *starts[0], "--steps=3")
    assert cluster.codes() == [0, 0]
    # a run that is resumed does not need its model, and rank 1 knows of no run
    elsewhere = [*starts[1], f"--runs-dir={tmp_path / 'elsewhere'}"]
    cluster.start([corpus] * 2, "--steps=3", own={0: starts[0], 1: elsewhere})
    assert cluster.codes() == [0, 0]


@SIZES
def test_different_versions(cluster: ClusterRun, corpus: Path, tmp_path: Path, size: int) -> None:
    code = "import tui_charrnn\n\ntui_charrnn.__version__ = '99.0'\n"
    (tmp_path / "sitecustomize.py").write_text(code, encoding="utf-8")
    later = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    addresses = free_addresses(size)
    cluster.start([corpus] * (size - 1), cluster=addresses)
    others = cluster.programs
    cluster.start([corpus], ranks=[size - 1], cluster=addresses, variables=later)
    cluster.programs[:0] = others
    refused(cluster, 2, "the same program", f"{__version__} on rank 0", "99.0 on rank")


@pytest.mark.parametrize(("size", "nearest"), [(2, "8 or 10"), (4, "8 or 12")])
def test_a_batch_that_cannot_be_divided(
    cluster: ClusterRun, corpus: Path, size: int, nearest: str
) -> None:
    cluster.start([corpus] * size, "--batch-size=9")
    refused(cluster, 2, "batch_size=9", nearest)


def test_a_run_whose_name_is_taken(cluster: ClusterRun, corpus: Path, tmp_path: Path) -> None:
    taken = tmp_path / "runs" / cluster.name
    taken.mkdir(parents=True)
    (taken / "note").touch()
    cluster.start([corpus, corpus])
    for ended in cluster.end():
        assert ended.returncode == 2, ended
        assert "another name" in ended.stderr.decode()
    assert [each.name for each in taken.iterdir()] == ["note"]


def test_a_port_that_is_in_use(cluster: ClusterRun, corpus: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        cluster.start([corpus], cluster=f"{address},{free_addresses(1)}")
        refused(cluster, 2, address)
