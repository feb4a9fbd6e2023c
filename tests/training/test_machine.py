"""Resources of a machine: control groups of both versions, as in containers."""

import os
from pathlib import Path

import pytest

from tui_charrnn.training import machine
from tui_charrnn.training.machine import (
    examine_machine,
    has_bfloat16_instructions,
    memory_limit,
    processor_quota,
    shard_count,
    thread_count,
)


def grouped(folder: Path, membership: str) -> tuple[Path, Path]:
    """An empty tree of control groups, and the file that names this process's."""
    (folder / "membership").write_text(membership, encoding="utf-8")
    return folder / "groups", folder / "membership"


def write_quota(root: Path, group: str, text: str) -> None:
    (root / group).mkdir(parents=True, exist_ok=True)
    (root / group / "cpu.max").write_text(text, encoding="utf-8")


def test_the_smallest_quota_on_the_way_up_holds(tmp_path: Path) -> None:
    root, membership = grouped(tmp_path, "0::/pod/box\n")
    write_quota(root, "pod", "150000 100000\n")
    write_quota(root, "pod/box", "700000 100000\n")
    write_quota(root, "other", "10000 100000\n")
    assert processor_quota(root, membership) == 1.5


def test_no_limit_is_none(tmp_path: Path) -> None:
    root, membership = grouped(tmp_path, "0::/\n")
    write_quota(root, "", "max 100000\n")
    (root / "memory.max").write_text("max\n", encoding="utf-8")
    assert processor_quota(root, membership) is None
    assert memory_limit(root, membership) is None


def test_version_1_is_read_where_each_controller_has_a_tree(tmp_path: Path) -> None:
    root, membership = grouped(tmp_path, "5:cpu,cpuacct:/docker/ab\n3:memory:/docker/ab\n")
    for name, text in {
        "cpu/cpu.cfs_quota_us": "250000",
        "cpu/cpu.cfs_period_us": "100000",
        "memory/docker/ab/memory.limit_in_bytes": "3000000000",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    assert processor_quota(root, membership) == 2.5
    assert memory_limit(root, membership) == 3_000_000_000


def test_an_unlimited_quota_of_version_1_is_none(tmp_path: Path) -> None:
    root, membership = grouped(tmp_path, "5:cpu:/\n")
    (root / "cpu").mkdir(parents=True)
    (root / "cpu/cpu.cfs_quota_us").write_text("-1", encoding="utf-8")
    (root / "cpu/cpu.cfs_period_us").write_text("100000", encoding="utf-8")
    assert processor_quota(root, membership) is None


def test_a_group_above_what_is_visible_does_not_lead_out_of_the_tree(tmp_path: Path) -> None:
    root, membership = grouped(tmp_path, "0::/../../etc\n")
    write_quota(root, "", "300000 100000\n")
    assert processor_quota(root, membership) == 3.0


def test_where_there_are_no_control_groups_there_is_no_limit(tmp_path: Path) -> None:
    assert processor_quota(tmp_path / "no", tmp_path / "none") is None


@pytest.mark.parametrize(
    ("allowed", "quota", "expected"),
    [(8, None, 8), (8, 2.0, 2), (8, 2.5, 3), (2, 6.0, 2), (4, 0.2, 1)],
)
def test_threads_are_what_affinity_and_quota_give(
    monkeypatch: pytest.MonkeyPatch, allowed: int, quota: float | None, expected: int
) -> None:
    monkeypatch.setattr(machine, "_allowed_processors", lambda: allowed)
    monkeypatch.setattr(machine, "processor_quota", lambda: quota)
    assert thread_count(None) == expected
    assert thread_count(5) == 5


def test_a_batch_is_cut_into_no_more_parts_than_threads_or_than_pays() -> None:
    assert [shard_count(3, streams) for streams in (1, 31, 32, 47, 48, 500)] == [1, 1, 2, 2, 3, 3]


def test_this_machine_has_a_processor_and_memory() -> None:
    found = examine_machine()
    assert found.processor
    assert 1 <= found.allowed <= found.processors == os.cpu_count()
    assert found.memory is not None
    assert found.memory > 1e8
    assert found.available is None or 0 < found.available <= found.memory


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [
        ("model name : Some\nflags\t\t: fpu avx512f avx512_bf16\n\nflags : fpu\n", True),
        ("flags : fpu amx_bf16 amx_tile\n", True),
        ("flags : fpu avx512f avx512_vnni\n", False),
        ("Features : fp asimd bf16\n", None),
        (None, None),
    ],
)
def test_instructions_for_bfloat16_are_read_from_the_flags(
    cpuinfo: str | None, expected: bool | None, tmp_path: Path
) -> None:
    path = tmp_path / "cpuinfo"
    if cpuinfo is not None:
        path.write_text(cpuinfo, encoding="utf-8")
    assert has_bfloat16_instructions(path) is expected
