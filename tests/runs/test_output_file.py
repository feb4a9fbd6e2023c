"""Output files: regular files are replaced atomically, anything else never."""

import os
import stat
from pathlib import Path

import pytest

from tests.support.fake_run import fake_run
from tests.support.faulty_disk import in_place
from tests.support.full_disk import FullDisk
from tui_charrnn.cli.main import run as run_command
from tui_charrnn.errors import CharRNNError, ConfigError, StorageError
from tui_charrnn.runs.storage import open_output, refuse_taken


def write(path: Path, data: bytes = b"new", *, overwrite: bool = False) -> None:
    with open_output(path, overwrite=overwrite) as file:
        file.write(data)


def test_a_new_file_is_for_the_user_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write(tmp_path / "new")
    finally:
        os.umask(before)
    assert (tmp_path / "new").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600


def test_a_file_gives_way_only_if_the_user_says_so(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"precious")
    for attempt in (write, lambda target: refuse_taken(target, overwrite=False)):
        with pytest.raises(ConfigError, match="already exists"):
            attempt(path)
    assert path.read_bytes() == b"precious"
    write(path, overwrite=True)
    assert path.read_bytes() == b"new"


def test_a_missing_folder_is_reported_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"Cannot write .*: no such file or directory"):
        refuse_taken(tmp_path / "missing" / "file", overwrite=False)


def test_a_folder_that_is_not_writable_is_reported_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(StorageError, match=r"Cannot write .*: permission denied"):
        refuse_taken(tmp_path / "file", overwrite=False)


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "file"
    path.write_bytes(b"precious")
    disk = FullDisk()
    disk.is_full = True
    with in_place(disk):
        for target in (path, folder / "other"):
            with pytest.raises(StorageError, match="no space left"):
                write(target, overwrite=True)
    assert [each.name for each in folder.iterdir()] == ["file"]
    assert path.read_bytes() == b"precious"


def test_what_a_link_leads_to_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    link, target = tmp_path / "link", tmp_path / "folder" / "file"
    link.symlink_to(target)
    write(link)
    write(link, b"newer", overwrite=True)
    assert link.is_symlink()
    assert target.read_bytes() == b"newer"


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(StorageError, match="no program reads from it"):
        write(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write(path)
        assert os.read(reader, 99) == b"new"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_an_open_stream_is_written_to(tmp_path: Path) -> None:
    path = tmp_path / "redirected"
    with path.open("wb") as file:
        write(Path(f"/dev/fd/{file.fileno()}"))
        assert os.path.samestat(path.stat(), os.fstat(file.fileno()))
    assert path.read_bytes() == b"new"


def test_a_device_is_written_to(tmp_path: Path) -> None:
    write(Path("/dev/null"))
    with pytest.raises(StorageError, match="no space left"):
        write(Path("/dev/full"))
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_is_refused(tmp_path: Path, overwrite: bool) -> None:
    with pytest.raises(CharRNNError, match="is a folder"):
        write(tmp_path, overwrite=overwrite)


@pytest.mark.parametrize("options", [[], ["--force"]])
def test_an_export_to_a_device_does_not_replace_it(
    tmp_path: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    run = fake_run(tmp_path, losses=[3.0, 2.0], evaluations={2: 2.4})
    words = ["runs", "export", str(run.path), "--model", "/dev/full", *options]
    assert run_command(words) == 6
    assert "Packed" not in "".join(capsys.readouterr())
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)
