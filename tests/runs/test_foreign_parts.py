"""Links in a run are never followed; the run's own folder may be a link.

Whoever packs an archive can put one in, so that what the program writes, removes, shows or packs
is another file of the user.
"""

import contextlib
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.fake_run import FakeTrainer, created_run, fake_run
from tui_charrnn.cli.main import run as run_command
from tui_charrnn.errors import RunError, StorageError
from tui_charrnn.runs.archive import export_run
from tui_charrnn.runs.catalogue import find_run, list_runs
from tui_charrnn.runs.checkpoints import best_or_newest, checkpoint_to_resume_from, save_checkpoint
from tui_charrnn.runs.control import send_request, take_requests
from tui_charrnn.runs.file_system import LinkError, names_in, open_to_read
from tui_charrnn.runs.launcher import launch_trainer
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.lifecycle import empty_trash, list_trash, trash_run
from tui_charrnn.runs.reader import LogTail, RunReader, read_description, read_status
from tui_charrnn.runs.storage import Storage
from tui_charrnn.runs.verification import damaged_pointers, verify_checkpoints
from tui_charrnn.runs.writer import RunWriter

PRIVATE: Final = "the user's own secret"
PARTS: Final = (
    "run.json",
    "state.json",
    "events.jsonl",
    "trainer.log",
    "run.lock",
    "corpus.txt",
    "control",
    "checkpoints",
    "live",
    "checkpoints/latest.json",
    "checkpoints/best.json",
    "live/model.safetensors",
)
IN_CHECKPOINTS: Final = (
    "checkpoints/step-00000004",
    "checkpoints/step-00000004/model.safetensors",
    "checkpoints/step-00000004/training.safetensors",
    "checkpoints/step-00000004/manifest.json",
)
FOLDERS: Final = ("control", "checkpoints", "live", "checkpoints/step-00000004")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    return folder


def made_run(folder: Path) -> RunDirectory:
    run = fake_run(
        folder / "runs", losses=[3.0, 2.5, 2.0, 1.9], evaluations={2: 2.4, 4: 1.8}, end="saved"
    )
    run.log.write_text(f"{PRIVATE}\n", encoding="utf-8")
    run.corpus.write_text(PRIVATE, encoding="utf-8")
    run.live_model.write_bytes(run.checkpoint(4).model.read_bytes())
    (run.control / "1.json").write_text(PRIVATE, encoding="utf-8")
    return run


def link_out(run: RunDirectory, part: str, outside: Path) -> Path:
    """Move a part of a run elsewhere and put a link to it in its place."""
    path = run.path / part
    target = outside / path.name
    path.rename(target)
    path.symlink_to(target)
    return path


def contents(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


@contextlib.contextmanager
def unchanged(folder: Path) -> Iterator[None]:
    before = contents(folder)
    yield
    assert contents(folder) == before


@pytest.mark.parametrize("part", [*PARTS, *IN_CHECKPOINTS])
def test_nothing_of_a_run_is_opened_through_a_link(
    tmp_path: Path, outside: Path, part: str
) -> None:
    run = made_run(tmp_path)
    path = link_out(run, part, outside)
    with pytest.raises(LinkError):
        open_to_read(path, inside=run.path)
    if part in FOLDERS:
        with pytest.raises(LinkError):
            names_in(path, inside=run.path)
        for name in [item.name for item in path.iterdir()]:
            with pytest.raises(LinkError):
                open_to_read(path / name, inside=run.path)


@pytest.mark.parametrize("part", FOLDERS)
def test_nothing_is_written_or_removed_behind_a_link(
    tmp_path: Path, outside: Path, part: str
) -> None:
    run = made_run(tmp_path)
    path = link_out(run, part, outside)
    storage, first = Storage(inside=run.path), sorted(path.iterdir())[0].name
    attempts: list[Callable[[], object]] = [
        lambda: storage.write_atomically(path / first, b"!"),
        lambda: storage.open_to_append(path / first),
        lambda: storage.make_folder(path / "new"),
        lambda: storage.make_folder(path),
        lambda: storage.rename(path / first, path / "other"),
        lambda: storage.rename(run.status, path / "other"),
        lambda: storage.remove_tree(path / first),
    ]
    with unchanged(outside):
        for attempt in attempts:
            with pytest.raises(StorageError, match="it is a link"):
                attempt()
        storage.remove_tree(path)
    assert not os.path.lexists(path)


@pytest.mark.parametrize("part", PARTS)
def test_a_trainer_does_not_take_up_a_run_with_a_link_in_it(
    tmp_path: Path, outside: Path, part: str
) -> None:
    run = made_run(tmp_path)
    link_out(run, part, outside)
    with unchanged(outside):
        for take_up in (RunWriter, launch_trainer):
            with pytest.raises(RunError, match=rf"{part} is a link"):
                take_up(run)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "words",
    [
        ["resume", "--headless", "--quiet", "RUN"],
        ["runs", "export", "RUN", "ARCHIVE"],
        ["runs", "export", "RUN", "--model", "MODEL"],
        ["doctor", "RUN"],
    ],
    ids=["resume", "export", "export-model", "doctor"],
)
def test_whoever_needs_the_whole_run_refuses_it_with_3(
    tmp_path: Path,
    outside: Path,
    part: str,
    words: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = made_run(tmp_path)
    link_out(run, part, outside)
    places = {
        "RUN": str(run.path),
        "ARCHIVE": str(tmp_path / "run.tar.gz"),
        "MODEL": str(tmp_path / "run.safetensors"),
    }
    with unchanged(outside):
        assert run_command([places.get(word, word) for word in words]) == 3
    output = "".join(capsys.readouterr())
    assert "a link" in output
    assert PRIVATE not in output
    assert list(tmp_path.glob("run.*")) == []


@pytest.mark.parametrize("part", PARTS)
def test_nobody_waits_for_a_pipe_in_the_place_of_a_part(tmp_path: Path, part: str) -> None:
    run = made_run(tmp_path)
    if part in FOLDERS:
        shutil.rmtree(run.path / part)
    else:
        (run.path / part).unlink()
    os.mkfifo(run.path / part)
    attempts: list[Callable[[], object]] = [
        lambda: RunWriter(run),
        lambda: launch_trainer(run),
        lambda: export_run(run, tmp_path / "run.tar.gz"),
        lambda: send_request(run, "stop"),
    ]
    for attempt in attempts:
        with pytest.raises(RunError, match=f"{part} is a pipe or a device"):
            attempt()
    assert run_command(["doctor", str(run.path)]) == 3


@pytest.mark.parametrize("part", [*PARTS, *IN_CHECKPOINTS])
@pytest.mark.parametrize("words", [["runs", "show"], ["runs", "show", "--json"]])
def test_what_shows_a_run_shows_the_rest_of_it(
    tmp_path: Path,
    outside: Path,
    part: str,
    words: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = made_run(tmp_path)
    link_out(run, part, outside)
    with unchanged(outside):
        assert run_command([*words, str(run.path)]) == 0
        assert [summary.run.name for summary in list_runs(run.path.parent)] == ["fake"]
    output = "".join(capsys.readouterr())
    assert PRIVATE not in output
    if part in {"run.json", "state.json"}:
        assert "it is a link" in output


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("word", ["stop", "pause"])
def test_a_request_is_not_put_where_a_link_leads(
    tmp_path: Path,
    outside: Path,
    part: str,
    word: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = made_run(tmp_path)
    with FakeTrainer(created_run(tmp_path / "live", name="live")) as trainer:
        trainer.start()
        run = trainer.run
        for name in ("trainer.log", "corpus.txt", "checkpoints", "live", "control"):
            if not (run.path / name).exists() or not any((run.path / name).iterdir()):
                with contextlib.suppress(OSError):
                    (run.path / name).rmdir()
                (made.path / name).rename(run.path / name)
        link_out(run, part, outside)
        with unchanged(outside):
            assert run_command([word, str(run.path)]) == 3
        assert "a link" in capsys.readouterr().err
        (run.path / part).unlink()
        (outside / Path(part).name).rename(run.path / part)


@pytest.mark.parametrize("part", [*PARTS, *IN_CHECKPOINTS])
def test_a_run_with_a_link_in_it_is_thrown_away_and_the_target_stays(
    tmp_path: Path, outside: Path, part: str
) -> None:
    run = made_run(tmp_path)
    link_out(run, part, outside)
    with unchanged(outside):
        assert run_command(["runs", "rm", "--yes", str(run.path)]) == 0
        words = ["runs", "rm", "--yes", "--empty-trash", "--runs-dir", str(run.path.parent)]
        assert run_command(words) == 0
    assert not list((run.path.parent / ".trash").iterdir())


@pytest.mark.parametrize("part", [*PARTS, *IN_CHECKPOINTS])
def test_no_model_is_read_through_a_link(
    tmp_path: Path, outside: Path, part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = made_run(tmp_path)
    link_out(run, part, outside)
    with unchanged(outside):
        assert run_command(["generate", "to", "-n", "3", "--no-history", "-m", str(run.path)]) == 0
    assert PRIVATE not in "".join(capsys.readouterr())
    found = best_or_newest(run)
    if part == "checkpoints":
        assert found is None
    elif part in {IN_CHECKPOINTS[0], IN_CHECKPOINTS[1], IN_CHECKPOINTS[3]}:
        assert found == run.checkpoint(2)
    else:
        assert found == run.checkpoint(4)


@pytest.mark.parametrize("part", ["live", "live/model.safetensors"])
def test_without_a_checkpoint_a_linked_model_is_none(
    tmp_path: Path, outside: Path, part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = made_run(tmp_path)
    Storage().remove_tree(run.checkpoints)
    link_out(run, part, outside)
    assert run_command(["generate", "to", "--no-history", "-m", str(run.path)]) == 3
    assert "has no model yet" in capsys.readouterr().err


@pytest.mark.parametrize("part", IN_CHECKPOINTS)
def test_training_does_not_go_on_from_a_linked_checkpoint(
    tmp_path: Path, outside: Path, part: str
) -> None:
    run = made_run(tmp_path)
    link_out(run, part, outside)
    with unchanged(outside):
        with pytest.raises(RunError, match="it is a link"):
            checkpoint_to_resume_from(run)
        save_checkpoint(run, step=5, model=b"m", training=b"t", loss=None, is_best=False, keep=1)
    assert [facts.is_whole for facts in verify_checkpoints(run) if facts.step == 5] == [True]


def test_whoever_attaches_reads_nothing_through_a_link(tmp_path: Path, outside: Path) -> None:
    run = made_run(tmp_path)
    for part in ("run.json", "state.json", "events.jsonl", "trainer.log", "control"):
        link_out(run, part, outside)
    link_out(run, "checkpoints/best.json", outside)
    looks: list[Callable[[], object]] = [
        lambda: read_description(run),
        lambda: read_status(run),
        RunReader(run).read_new_stretches,
        LogTail(run.log).read_new,
        lambda: send_request(run, "publish"),
    ]
    with unchanged(outside):
        for look in looks:
            with pytest.raises(RunError, match="a link"):
                look()
        assert take_requests(run) == []
        assert damaged_pointers(run) == ["best.json"]


def test_a_run_that_is_a_link_itself_is_a_run(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    moved = tmp_path / "large disk" / "somewhere"
    moved.parent.mkdir()
    run.path.rename(moved)
    run.path.symlink_to(moved)
    found = find_run("fake", run.path.parent)
    assert read_description(found).name == "fake"
    with RunWriter(found) as writer:
        writer.beat()
    send_request(found, "stop")
    assert [request.request for request in take_requests(found)] == ["stop"]
    made = export_run(found, tmp_path / "run.tar.gz")
    with tarfile.open(made.path) as archive:
        assert "fake/run.json" in archive.getnames()
    trash_run(found)
    assert moved.exists()
    empty_trash(run.path.parent)
    assert (moved / "run.json").exists()


def test_a_linked_trash_is_not_filled_and_not_emptied(tmp_path: Path, outside: Path) -> None:
    run = made_run(tmp_path)
    (outside / "precious").write_bytes(b"!")
    (outside / "20261130T154751.082695Z" / "run").mkdir(parents=True)
    (run.path.parent / ".trash").symlink_to(outside)
    with unchanged(outside):
        assert list_trash(run.path.parent) == []
        for attempt in (lambda: trash_run(run), lambda: empty_trash(run.path.parent)):
            with pytest.raises(StorageError, match="it is a link"):
                attempt()
        words = ["runs", "rm", "--yes", "--empty-trash", "--runs-dir", str(run.path.parent)]
        assert run_command(words) == 6
    assert read_description(run).name == "fake"


def test_what_somebody_else_put_into_the_trash_stays(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    trash_run(run)
    trash = run.path.parent / ".trash"
    (trash / "mine").mkdir()
    (trash / "mine" / "precious").write_bytes(b"!")
    (trash / ".removing-mine").mkdir()
    (trash / "20261130T154751.082695Z").symlink_to(trash / "mine")
    assert [trashed.name for trashed in list_trash(run.path.parent)] == ["fake"]
    empty_trash(run.path.parent)
    assert contents(trash) == {".removing-mine": None, "mine": None, "mine/precious": b"!"}
