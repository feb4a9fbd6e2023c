"""A run can be renamed, deleted and restored without losing anything."""

import errno
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fake_run import FakeTrainer, created_run, fake_run
from tests.support.faulty_disk import FaultyDisk, written_by
from tests.support.hostile_text import HOSTILE
from tui_charrnn.errors import ConfigError, RunError, RunLockedError, StorageError
from tui_charrnn.runs.catalogue import find_run, list_runs
from tui_charrnn.runs.control import send_request, take_requests
from tui_charrnn.runs.file_system import FileSystem, disk_size
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.lifecycle import (
    empty_trash,
    free_names,
    list_trash,
    refuse_live,
    rename_run,
    restore_run,
    trash_run,
)


class Unremovable(FileSystem):
    """A file system that removes nothing, as if the process were killed before."""

    def remove(self, path: Path, folder: int | None = None) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


FILE_NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1).filter(
    lambda name: name not in {".", ".."} and len(name.encode()) < 200
)


def tree(folder: Path) -> dict[str, bytes | None]:
    """Return everything in a folder: the contents of files, None for folders."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def bare_run(folder: Path, name: str) -> RunDirectory:
    """Make the smallest folder that counts as a run, a damaged one."""
    run = RunDirectory(folder / name)
    run.path.mkdir(parents=True)
    run.description.write_bytes(b"{")
    return run


def names(folder: Path) -> list[str]:
    return sorted(summary.run.name for summary in list_runs(folder))


@given(files=st.dictionaries(FILE_NAMES, st.binary(max_size=50), max_size=5), inside=FILE_NAMES)
def test_what_comes_back_is_what_was_thrown_away(files: dict[str, bytes], inside: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = bare_run(Path(folder), "run")
        nested = run.checkpoints / inside
        nested.mkdir(parents=True)
        for name, contents in files.items():
            (nested / name).write_bytes(contents)
        before = tree(run.path)
        trash_run(run)
        assert names(run.path.parent) == []
        assert restore_run(Path(folder)) == (run, run.name)
        assert tree(run.path) == before
        assert list_trash(Path(folder)) == []


def test_a_trained_run_comes_back_to_the_byte(tmp_path: Path) -> None:
    run = fake_run(tmp_path, evaluations={2: 2.0})
    before = tree(run.path)
    trash_run(run)
    restore_run(tmp_path, "fake")
    assert tree(run.path) == before


def test_the_last_of_a_name_comes_back_first(tmp_path: Path) -> None:
    for contents in (b"{1", b"{2"):
        run = bare_run(tmp_path, "run")
        run.description.write_bytes(contents)
        trash_run(run)
    assert restore_run(tmp_path, "run")[0].description.read_bytes() == b"{2"
    assert restore_run(tmp_path, "run") == (RunDirectory(tmp_path / "run-2"), "run")


def test_a_name_with_an_ending_gets_its_number_before_it(tmp_path: Path) -> None:
    for name in ("run.1.tar.gz", "run.1-2.tar.gz", "run.1-3.tar.gz"):
        assert next(free_names(tmp_path, "run.1", ".tar.gz")) == name
        (tmp_path / name).touch()


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    trash_run(bare_run(tmp_path, "run"))
    bare_run(tmp_path, "run")
    bare_run(tmp_path, "run-2")
    assert restore_run(tmp_path, "run") == (RunDirectory(tmp_path / "run-3"), "run")


def test_without_a_name_the_last_of_all_comes_back(tmp_path: Path) -> None:
    for name in ("first", "last"):
        trash_run(bare_run(tmp_path, name))
    assert restore_run(tmp_path)[1] == "last"


def test_what_is_not_in_the_trash_is_explained(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="nothing in the trash"):
        restore_run(tmp_path, "run")
    trash_run(bare_run(tmp_path, "other"))
    with pytest.raises(RunError, match="Deleted last: other"):
        restore_run(tmp_path, "run")


@pytest.mark.parametrize("name", [HOSTILE.replace("/", ""), ".hidden", "x" * 200, " ", "-rf"])
def test_any_name_that_a_folder_can_have_comes_back(tmp_path: Path, name: str) -> None:
    run = bare_run(tmp_path, name.replace("\x00", ""))
    trash_run(run)
    assert not run.path.exists()
    assert restore_run(tmp_path, run.name) == (run, run.name)


def test_emptying_the_trash_frees_what_was_in_it(tmp_path: Path) -> None:
    bare_run(tmp_path, "kept")
    size = 0
    for name in ("one", "two"):
        run = bare_run(tmp_path, name)
        run.log.write_bytes(b"x" * 1000)
        size += disk_size(run.path)
        trash_run(run)
    assert size > 2000
    assert empty_trash(tmp_path) == size
    assert list_trash(tmp_path) == []
    assert names(tmp_path) == ["kept"]
    assert empty_trash(tmp_path) == 0


def test_what_a_killed_process_left_of_the_trash_goes_with_the_next_time(tmp_path: Path) -> None:
    trash_run(bare_run(tmp_path, "run"))
    with written_by(Unremovable()), pytest.raises(StorageError):
        empty_trash(tmp_path)
    assert list_trash(tmp_path) == []
    assert empty_trash(tmp_path) > 0
    assert not list((tmp_path / ".trash").iterdir())


def test_the_trash_does_not_follow_links(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").write_bytes(b"!")
    run = bare_run(tmp_path / "runs", "run")
    run.checkpoints.symlink_to(tmp_path / "mine")
    trash_run(run)
    empty_trash(tmp_path / "runs")
    assert (tmp_path / "mine" / "precious").exists()


def test_a_renamed_run_is_the_same_run(tmp_path: Path) -> None:
    run = fake_run(tmp_path, evaluations={2: 2.0})
    before = tree(run.path)
    renamed = rename_run(run, "better")
    assert names(tmp_path) == ["better"]
    assert find_run("better", tmp_path) == renamed
    assert tree(renamed.path) == before


def test_requests_stay_with_a_renamed_run(tmp_path: Path) -> None:
    run = created_run(tmp_path)
    send_request(run, "stop")
    assert [request.request for request in take_requests(rename_run(run, "new"))] == ["stop"]


def test_a_name_that_it_has_already_changes_nothing(tmp_path: Path) -> None:
    run = bare_run(tmp_path, "run")
    assert rename_run(run, "run") == run


@pytest.mark.parametrize("name", ["", "a/b", "..", ".trash", "-x", "~", "a\x1bb", "other"])
def test_a_bad_name_is_refused(tmp_path: Path, name: str) -> None:
    run = bare_run(tmp_path, "run")
    bare_run(tmp_path, "other")
    with pytest.raises(ConfigError):
        rename_run(run, name)
    assert names(tmp_path) == ["other", "run"]


def test_a_run_that_is_trained_is_left_alone(tmp_path: Path) -> None:
    with FakeTrainer(created_run(tmp_path)) as trainer:
        lock = trainer.run.lock.read_bytes()
        with pytest.raises(RunLockedError, match="is being trained"):
            rename_run(trainer.run, "new")
        with pytest.raises(RunLockedError, match="is being trained"):
            trash_run(trainer.run)
        with pytest.raises(RunLockedError, match="stop"):
            refuse_live(trainer.run)
        assert trainer.run.lock.read_bytes() == lock
    assert names(tmp_path) == ["fake"]
    rename_run(trainer.run, "new")
    assert names(tmp_path) == ["new"]


@pytest.mark.parametrize("fail_at", range(1, 8))
def test_a_disk_that_refuses_leaves_the_run_in_one_place(tmp_path: Path, fail_at: int) -> None:
    run = fake_run(tmp_path, name="run")
    disk = FaultyDisk(fail_at)
    try:
        with written_by(disk):
            trash_run(run)
    except StorageError:
        assert disk.was_reached
    places = [run.path.exists(), len(list_trash(tmp_path)) == 1]
    assert sum(places) == 1


def test_a_folder_that_may_not_be_written_to_is_told(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("the superuser may write everywhere")
    run = bare_run(tmp_path / "runs", "run")
    run.path.parent.chmod(0o500)
    try:
        with pytest.raises(StorageError, match="permission denied"):
            rename_run(run, "new")
    finally:
        run.path.parent.chmod(0o700)
