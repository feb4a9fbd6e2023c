"""No line is lost or torn while the disk is full."""

import errno
import os
from pathlib import Path

import pytest

from tests.support.faulty_disk import FaultyDisk, written_by
from tui_charrnn.runs import writer
from tui_charrnn.runs.file_system import FileSystem
from tui_charrnn.runs.writer import EventLog


class FillingDisk(FileSystem):
    """A file system with a limited number of free bytes."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        if self.room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = super().write(descriptor, data[: self.room])
        self.room -= taken
        return taken


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def test_lines_are_appended_whole(path: Path) -> None:
    path.write_bytes(b"before\n")
    log = EventLog(path)
    log.append("one")
    log.append("two")
    assert path.read_bytes() == b"before\none\ntwo\n"
    log.close()


def test_a_torn_last_line_is_ended_before_the_next(path: Path) -> None:
    path.write_bytes(b'{"kind":"bat')
    log = EventLog(path)
    log.append("next")
    log.close()
    assert path.read_bytes() == b'{"kind":"bat\nnext\n'


def test_opening_writes_nothing(path: Path) -> None:
    EventLog(path).close()
    assert path.read_bytes() == b""


@pytest.mark.parametrize("room", range(12))
def test_lines_wait_for_room_and_keep_their_order(path: Path, room: int) -> None:
    disk = FillingDisk(room)
    with written_by(disk):
        log = EventLog(path)
    for line in ("first", "second", "third"):
        log.append(line)
    assert log.refusal is not None
    assert "no space left" in str(log.refusal)
    disk.room = 1_000
    log.retry()
    assert log.refusal is None
    log.close()
    assert path.read_bytes() == b"first\nsecond\nthird\n"


@pytest.mark.parametrize("room", [0, 3])
def test_the_oldest_lines_go_when_too_many_wait(
    path: Path, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "BACKLOG_LIMIT", 3)
    disk = FillingDisk(room)
    with written_by(disk):
        log = EventLog(path)
    for number in range(10):
        log.append(f"line {number}")
    assert log.take_dropped() == 0  # there is no room yet to write it down
    disk.room = 1_000
    log.close()
    kept = ["line 7", "line 8", "line 9"] if room == 0 else ["line 0", "line 8", "line 9"]
    assert path.read_text(encoding="utf-8").split("\n") == [*kept, ""]
    assert log.take_dropped() == 7
    assert log.take_dropped() == 0


def test_a_failed_sync_is_remembered(path: Path) -> None:
    disk = FaultyDisk()
    with written_by(disk):
        log = EventLog(path)
    log.append("one")
    disk.fail_at = disk.operations + 1
    log.sync()
    assert log.refusal is not None
    log.close()
