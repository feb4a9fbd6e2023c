"""The file of seeds from earlier sessions."""

import json
import os
import stat
from pathlib import Path

import pytest

from tui_charrnn.tui.text.seed_input import KEPT, LONGEST_SEED, SeedHistory


def test_seeds_come_back_as_they_were_oldest_first(tmp_path: Path) -> None:
    path = tmp_path / "state" / "seeds.jsonl"
    seeds = ["ROMEO:", "two\nlines\n", "한글 \x1b[31m", "\ud800"]
    for seed in seeds:
        SeedHistory(path).add(seed)
    assert SeedHistory(path).read() == seeds


def test_nothing_was_kept_yet(tmp_path: Path) -> None:
    assert SeedHistory(tmp_path / "seeds.jsonl").read() == []


def test_only_the_user_can_read_them(tmp_path: Path) -> None:
    path = tmp_path / "state" / "seeds.jsonl"
    history = SeedHistory(path)
    for number in range(3 * KEPT):  # the file is rewritten on the way
        history.add(f"seed {number}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_newest_are_kept_and_the_file_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "state" / "seeds.jsonl"
    history = SeedHistory(path)
    for number in range(3 * KEPT):
        history.add(f"seed {number}")
    assert history.read() == [f"seed {number}" for number in range(2 * KEPT, 3 * KEPT)]
    assert len(path.read_text().splitlines()) <= 2 * KEPT
    assert list(path.parent.iterdir()) == [path]


def test_invalid_lines_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "seeds.jsonl"
    lines = [
        b"\xff\xfe",
        b"{}",
        b"7",
        b'""',
        b'"good"',
        b'"torn',
        b'"good"',
        b"[" * 100_000,
        json.dumps("x" * (LONGEST_SEED + 1)).encode(),
        json.dumps("a\r\nb\u2028c").encode(),
    ]
    path.write_bytes(b"\n".join(lines))
    assert SeedHistory(path).read() == ["good", "a\nb\nc"]


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    target = tmp_path / "other"
    target.write_text("kept")
    path = tmp_path / "seeds.jsonl"
    path.symlink_to(target)
    with pytest.raises(OSError, match="symbolic"):
        SeedHistory(path).add("seed")
    assert target.read_text() == "kept"


def test_a_pipe_in_its_place_does_not_block(tmp_path: Path) -> None:
    path = tmp_path / "seeds.jsonl"
    os.mkfifo(path)
    with pytest.raises(OSError, match="pipe"):
        SeedHistory(path).read()
    with pytest.raises(OSError, match=r"device|address"):
        SeedHistory(path).add("seed")
