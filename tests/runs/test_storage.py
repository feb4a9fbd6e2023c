"""Writing is atomic, whichever operation fails."""

import contextlib
import errno
import os
import stat
from itertools import count
from pathlib import Path

import pytest

from tests.support.faulty_disk import FaultyDisk, PowerLost, storage_on
from tui_charrnn.errors import StorageError
from tui_charrnn.runs.file_system import FileSystem
from tui_charrnn.runs.storage import Storage


class SlowDisk(FileSystem):
    """A file system that writes three bytes at a time."""

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        return super().write(descriptor, data[:3])


def test_atomic_write_replaces_the_contents(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(b"a longer text that was there before")
    Storage().write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.glob(".*")) == []


def test_short_writes_are_continued(tmp_path: Path) -> None:
    storage_on(SlowDisk()).write_atomically(tmp_path / "file", b"0123456789")
    assert (tmp_path / "file").read_bytes() == b"0123456789"


@pytest.mark.parametrize("is_persistent", [False, True])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_atomic_write_survives_a_fault_at_every_operation(
    tmp_path: Path, code: int, is_persistent: bool
) -> None:
    path = tmp_path / "state.json"
    for n in count(1):
        path.write_bytes(b"old")
        disk = FaultyDisk(n, code=code, is_persistent=is_persistent)
        with contextlib.suppress(StorageError):
            storage_on(disk).write_atomically(path, b"brand new")
        if not disk.was_reached:
            break
        assert path.read_bytes() in {b"old", b"brand new"}
    assert n > 5
    assert path.read_bytes() == b"brand new"


def test_the_system_syncs_a_file_before_it_gets_its_name_and_then_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, synced = tmp_path / "state.json", list[tuple[int, bool]]()

    def note(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_ino, path.exists()))

    monkeypatch.setattr(os, "fsync", note)
    Storage().write_atomically(path, b"new")
    assert synced == [(path.stat().st_ino, False), (tmp_path.stat().st_ino, True)]


def test_atomic_write_survives_a_loss_of_power_at_every_operation(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    for n in count(1):
        path.write_bytes(b"old")
        disk = FaultyDisk(n, loses_power=True)
        try:
            storage_on(disk).write_atomically(path, b"brand new")
        except PowerLost:
            disk.lose_unsynced(tmp_path)
        else:
            break
        assert path.read_bytes() in {b"old", b"brand new"}
    assert n > 5


def test_a_full_disk_is_explained(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"Cannot write .*/file: no space left .* Make room"):
        storage_on(FaultyDisk(1)).write_atomically(tmp_path / "file", b"x")


def test_a_leftover_of_a_killed_writer_is_replaced(tmp_path: Path) -> None:
    (tmp_path / ".file.partial").write_bytes(b"half, and longer than the new contents")
    Storage(inside=tmp_path).write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert list(tmp_path.glob(".*")) == []


def test_several_processes_may_write_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    with Storage().open_beside(path) as ours:
        ours.write(b"ours, which is longer")
        with monkeypatch.context() as other_process:
            other_process.setattr("os.getpid", lambda: -1)
            Storage().write_atomically(path, b"theirs")
        assert path.read_bytes() == b"theirs"
    assert path.read_bytes() == b"ours, which is longer"
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("reserve", [0, 5_000])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_what_lies_in_place_of_the_temporary_file_is_removed(
    tmp_path: Path, kind: str, reserve: int
) -> None:
    partial = tmp_path / ".file.partial"
    if kind == "pipe":
        os.mkfifo(partial)
    else:
        partial.symlink_to(tmp_path / "elsewhere")
    Storage(inside=tmp_path).write_atomically(tmp_path / "file", b"new", reserve=reserve)
    assert (tmp_path / "file").read_bytes() == b"new"
    assert stat.S_ISREG((tmp_path / "file").lstat().st_mode)
    assert not (tmp_path / "elsewhere").exists()


def test_room_for_the_next_contents_is_taken_and_given_back(tmp_path: Path) -> None:
    path, storage = tmp_path / "state.json", Storage()
    storage.write_atomically(path, b"first", reserve=5_000)
    (beside,) = tmp_path.glob(".*")
    assert beside.stat().st_size == 5_000
    storage.write_atomically(path, b"second", reserve=5_000)
    assert path.read_bytes() == b"second"
    assert [each.name for each in tmp_path.glob(".*")] == [beside.name]
    storage.release_reserve(path)
    storage.release_reserve(path)
    assert list(tmp_path.glob(".*")) == []


def test_room_that_cannot_be_taken_is_no_failure(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    disk = FaultyDisk()
    storage_on(disk).write_atomically(path, b"x", reserve=5_000)
    for n in range(disk.operations - 3, disk.operations):  # those that take it
        storage_on(FaultyDisk(n)).write_atomically(path, b"new", reserve=5_000)
        assert path.read_bytes() == b"new"


def test_folders_are_made_with_those_above(tmp_path: Path) -> None:
    Storage().make_folder(tmp_path / "a" / "b" / "c")
    Storage().make_folder(tmp_path / "a" / "b" / "c")
    assert (tmp_path / "a" / "b" / "c").is_dir()


def test_a_file_in_the_place_of_a_folder_is_explained(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    for folder in (tmp_path / "a", tmp_path / "a" / "b"):
        with pytest.raises(StorageError, match=f"Cannot make the folder {folder}"):
            Storage().make_folder(folder)


def test_a_tree_is_removed_and_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(b"x")
    tree = tmp_path / "tree"
    (tree / "inner").mkdir(parents=True)
    (tree / "inner" / "file").write_bytes(b"x")
    (tree / "link").symlink_to(outside)
    Storage().remove_tree(tree)
    Storage().remove_tree(tree)
    assert not tree.exists()
    assert (outside / "precious").exists()


def test_a_folder_is_not_renamed_to_one_that_holds_something(tmp_path: Path) -> None:
    for name in ("hidden", "final"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    with pytest.raises(StorageError):
        Storage().rename(tmp_path / "hidden", tmp_path / "final")
    assert (tmp_path / "final" / "file").read_text() == "final"


def test_a_lock_keeps_others_out_until_it_is_released(tmp_path: Path) -> None:
    storage, path = Storage(), tmp_path / "run.lock"
    first = storage.lock(path, b"first", bool)
    assert first is not None
    assert storage.lock(path, b"second", bool) is None
    assert path.read_bytes() == b"first"
    first.close()
    second = storage.lock(path, b"2", bool)
    assert second is not None
    assert path.read_bytes() == b"2"
    second.close()


def test_a_file_system_without_locks_is_told_apart(tmp_path: Path) -> None:
    disk = FaultyDisk(2, code=errno.ENOLCK)  # open, then lock
    lock = storage_on(disk).lock(tmp_path / "run.lock", b"me", lambda: True)
    assert lock is not None
    lock.close()


def test_without_locks_what_another_uses_is_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    path.write_bytes(b"another")
    disk = FaultyDisk(2, code=errno.ENOLCK)  # open, then lock
    assert storage_on(disk).lock(path, b"me", lambda: False) is None
    assert path.read_bytes() == b"another"


def test_no_descriptor_is_left_open_by_a_failed_write(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for n in range(1, 8):
        disk = FaultyDisk(n)
        with contextlib.suppress(StorageError):
            storage_on(disk).write_atomically(tmp_path / "file", b"x")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
