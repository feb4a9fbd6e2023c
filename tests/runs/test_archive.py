"""Exported files can be opened elsewhere, and exporting works during training."""

import hashlib
import json
import os
import re
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.support.fake_run import FakeTrainer, created_run, fake_run
from tests.support.faulty_disk import FaultyDisk, written_by
from tests.support.hostile_text import HOSTILE
from tests.support.record_reading import read_new
from tui_charrnn.errors import ConfigError, RunError, StorageError
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.runs import archive
from tui_charrnn.runs.archive import export_model, export_run
from tui_charrnn.runs.catalogue import summarize_run
from tui_charrnn.runs.checkpoints import (
    best_or_newest,
    list_checkpoints,
    newest_valid,
    prune_checkpoints,
    read_pointer,
)
from tui_charrnn.runs.layout import CheckpointDirectory, RunDirectory
from tui_charrnn.runs.reader import RunReader

EVALUATIONS = {1: 3.0, 2: 2.0, 3: 2.5, 4: 2.6}


def unpack(archive: Path, folder: Path) -> RunDirectory:
    """Unpack an archive as a user would, and return the run in it."""
    folder.mkdir()
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    (path,) = folder.iterdir()
    return RunDirectory(path)


def steps(run: RunDirectory) -> list[int]:
    return [checkpoint.step for checkpoint in list_checkpoints(run)]


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    """A run whose best checkpoint is not its newest."""
    return fake_run(tmp_path / "runs", losses=[3.0, 2.5, 2.0, 1.9], evaluations=EVALUATIONS)


@pytest.mark.parametrize("ending", [".tar.gz", ".tgz"])
def test_an_archive_unpacks_to_a_run_that_opens(
    tmp_path: Path, run: RunDirectory, ending: str
) -> None:
    exported = export_run(run, tmp_path / f"mine{ending}")
    again = unpack(exported.path, tmp_path / "elsewhere")
    assert exported.size == exported.path.stat().st_size
    assert again.name == run.name
    before, after = summarize_run(run), summarize_run(again)
    assert after.problem is None
    assert (after.description, after.status) == (before.description, before.status)
    assert (after.best_loss, after.best_step) == (2.0, 2)
    assert read_new(RunReader(again)) == read_new(RunReader(run))
    assert exported.steps == (2, 4)
    assert newest_valid(again) == again.checkpoint(4)
    assert best_or_newest(again) == again.checkpoint(2)
    load_model(again.checkpoint(2).model)


def test_every_checkpoint_is_packed_on_request(tmp_path: Path, run: RunDirectory) -> None:
    exported = export_run(run, tmp_path / "all.tar.gz", every_checkpoint=True)
    assert list(exported.steps) == steps(run)[::-1]
    assert steps(unpack(exported.path, tmp_path / "elsewhere")) == steps(run)


def test_the_same_run_gives_the_same_bytes(tmp_path: Path, run: RunDirectory) -> None:
    archives = [export_run(run, tmp_path / f"{name}.tar.gz").path for name in ("one", "two")]
    assert archives[0].read_bytes() == archives[1].read_bytes()


def test_nothing_says_whose_disk_it_was(tmp_path: Path, run: RunDirectory) -> None:
    with tarfile.open(export_run(run, tmp_path / "mine.tar.gz").path) as packed:
        for entry in packed:
            assert entry.name == run.name or entry.name.startswith(f"{run.name}/")
            assert (entry.uid, entry.gid, entry.uname, entry.gname) == (0, 0, "", "")


def test_what_is_unpacked_is_for_its_owner_alone(tmp_path: Path, run: RunDirectory) -> None:
    run.log.write_bytes(b"a line")
    exported = export_run(run, tmp_path / "mine.tar.gz", every_checkpoint=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = ["tar", "-xpzf", str(exported.path)]
    subprocess.run(command, cwd=elsewhere, check=True, umask=0)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in elsewhere.rglob("*")}
    assert len(modes) > 20
    assert {path for path, mode in modes.items() if mode & 0o077} == set()
    assert summarize_run(RunDirectory(elsewhere / run.name)).problem is None


def test_a_corpus_that_the_run_holds_and_its_log_are_packed(
    tmp_path: Path, run: RunDirectory
) -> None:
    run.corpus.write_text("caf\u00e9", encoding="utf-8")
    run.log.write_bytes(b"a line")
    again = unpack(export_run(run, tmp_path / "mine.tar.gz").path, tmp_path / "elsewhere")
    assert again.corpus.read_text(encoding="utf-8") == "caf\u00e9"
    assert again.log.read_bytes() == b"a line"


@pytest.mark.parametrize("name", ["mine", "mine.zip", "mine.gz", "mine.tar"])
def test_an_unknown_ending_is_refused(tmp_path: Path, run: RunDirectory, name: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(".tar.gz or .tgz")):
        export_run(run, tmp_path / name)


def test_nothing_is_overwritten_unless_it_is_wanted(tmp_path: Path, run: RunDirectory) -> None:
    target = tmp_path / "mine.tar.gz"
    target.write_bytes(b"precious")
    with pytest.raises(ConfigError, match="already exists"):
        export_run(run, target)
    with pytest.raises(ConfigError, match="already exists"):
        export_model(run, target)
    assert target.read_bytes() == b"precious"
    export_run(run, target, overwrite=True)
    assert tarfile.is_tarfile(target)


def test_a_folder_is_no_target(tmp_path: Path, run: RunDirectory) -> None:
    (tmp_path / "mine.tar.gz").mkdir()
    with pytest.raises(ConfigError, match="is a folder"):
        export_run(run, tmp_path / "mine.tar.gz", overwrite=True)


def test_a_disk_that_refuses_leaves_nothing_behind(tmp_path: Path, run: RunDirectory) -> None:
    folder = tmp_path / "full"
    folder.mkdir()
    disk = FaultyDisk()
    with written_by(disk):
        export_run(run, folder / "whole.tar.gz")
    (folder / "whole.tar.gz").unlink()
    for fail_at in range(1, disk.operations):  # the last syncs the folder: the file is there
        with written_by(FaultyDisk(fail_at)), pytest.raises(StorageError):
            export_run(run, folder / "mine.tar.gz")
        assert list(folder.iterdir()) == []


def test_progress_reaches_its_end(tmp_path: Path, run: RunDirectory) -> None:
    reports: list[tuple[int, int | None]] = []
    export_run(run, tmp_path / "mine.tar.gz", progress=lambda *numbers: reports.append(numbers))
    assert reports[-1][0] == reports[-1][1]
    assert reports == sorted(reports)


def test_who_gives_up_leaves_nothing_behind(tmp_path: Path, run: RunDirectory) -> None:
    def give_up(_done: int, _total: int | None) -> None:
        raise KeyboardInterrupt

    (tmp_path / "out").mkdir()
    with pytest.raises(KeyboardInterrupt):
        export_run(run, tmp_path / "out" / "mine.tar.gz", progress=give_up)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_run_that_is_trained_is_packed_as_it_was_at_the_start(tmp_path: Path) -> None:
    with FakeTrainer(created_run(tmp_path / "runs")) as trainer:
        trainer.start()
        trainer.train(3.0)
        trainer.evaluate(3.0)
        trainer.save(3.0, is_best=True)
        with trainer.run.events.open("ab") as events:
            events.write(b'{"kind":"bat')  # half a line

        def go_on(_done: int, _total: int | None) -> None:
            while trainer.step < 9:
                trainer.train(2.0)
                trainer.save(2.0, is_best=True)

        exported = export_run(trainer.run, tmp_path / "mine.tar.gz", progress=go_on)
        assert trainer.step == 9
        assert not trainer.run.checkpoint(1).path.exists()  # it was pruned meanwhile
    again = unpack(exported.path, tmp_path / "elsewhere")
    assert steps(again) == [1]
    assert newest_valid(again) == best_or_newest(again) == again.checkpoint(1)
    latest = read_pointer(again, again.latest)
    assert latest is not None
    assert latest.step == 1
    assert again.events.read_bytes().endswith(b"\n")
    assert read_new(RunReader(again))[-1] == read_new(RunReader(trainer.run))[5]
    status = summarize_run(again).status
    assert status is not None
    assert (status.state, status.step) == ("training", 1)


def test_a_checkpoint_that_is_pruned_before_it_is_opened_gives_way_to_the_next(
    tmp_path: Path, run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[Path] = []

    def find_too_early(run: RunDirectory) -> CheckpointDirectory | None:
        found = newest_valid(run)
        if found is not None and not removed:
            removed.append(found.path)
            found.path.rename(found.path.with_name(".removed-now"))
            run.latest.unlink()
        return found

    monkeypatch.setattr(archive, "newest_valid", find_too_early)
    exported = export_run(run, tmp_path / "mine.tar.gz")
    assert removed == [run.checkpoint(4).path]
    assert exported.steps == (2, 3)


def test_of_all_checkpoints_those_are_packed_that_are_still_there(
    tmp_path: Path, run: RunDirectory
) -> None:
    def prune(_done: int, _total: int | None) -> None:
        prune_checkpoints(run, keep=1)

    exported = export_run(run, tmp_path / "mine.tar.gz", every_checkpoint=True, progress=prune)
    assert exported.steps == (2, 4)
    assert steps(unpack(exported.path, tmp_path / "elsewhere")) == [4, 2]


def test_a_file_that_shrinks_is_told(tmp_path: Path, run: RunDirectory) -> None:
    run.log.write_bytes(b"x" * 100_000)

    def shrink(_done: int, _total: int | None) -> None:
        os.truncate(run.log, 0)

    (tmp_path / "out").mkdir()
    with pytest.raises(RunError, match=r"trainer\.log became shorter"):
        export_run(run, tmp_path / "out" / "mine.tar.gz", progress=shrink)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_damaged_run_is_packed_as_far_as_it_is_there(tmp_path: Path, run: RunDirectory) -> None:
    run.status.unlink()
    run.description.write_bytes(b"{")
    run.checkpoint(4).model.write_bytes(b"torn")
    exported = export_run(run, tmp_path / "mine.tar.gz")
    again = unpack(exported.path, tmp_path / "elsewhere")
    assert exported.steps == (2, 3)
    assert newest_valid(again) == again.checkpoint(3)


def test_a_run_without_checkpoints_is_packed(tmp_path: Path) -> None:
    exported = export_run(created_run(tmp_path / "runs"), tmp_path / "mine.tar.gz")
    again = unpack(exported.path, tmp_path / "elsewhere")
    assert exported.steps == ()
    assert again.control.is_dir()
    assert summarize_run(again).problem is None


@pytest.mark.parametrize("name", [HOSTILE.replace("/", "").replace("\x00", ""), "caf\udce9"])
def test_any_name_of_a_run_can_be_packed(tmp_path: Path, run: RunDirectory, name: str) -> None:
    renamed = RunDirectory(run.path.rename(run.path.with_name(name)))
    again = unpack(export_run(renamed, tmp_path / "mine.tar.gz").path, tmp_path / "elsewhere")
    assert summarize_run(again).best_step == 2


def test_the_best_model_is_one_file(tmp_path: Path, run: RunDirectory) -> None:
    exported = export_model(run, tmp_path / "mine.safetensors")
    assert exported.steps == (2,)
    assert exported.path.read_bytes() == run.checkpoint(2).model.read_bytes()
    assert exported.size == run.checkpoint(2).model.stat().st_size


def test_without_a_checkpoint_there_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no model yet"):
        export_model(created_run(tmp_path / "runs"), tmp_path / "mine.safetensors")
    assert not (tmp_path / "mine.safetensors").exists()


def test_what_is_packed_is_what_the_manifests_say(tmp_path: Path, run: RunDirectory) -> None:
    with tarfile.open(export_run(run, tmp_path / "mine.tar.gz").path) as packed:
        contents = {
            entry.name: file.read() for entry in packed if (file := packed.extractfile(entry))
        }
    for step in (2, 4):
        folder = f"fake/checkpoints/step-{step:08}"
        files = json.loads(contents[f"{folder}/manifest.json"])["files"]
        for name, seal in files.items():
            assert hashlib.sha256(contents[f"{folder}/{name}"]).hexdigest() == seal["sha256"]
