"""Runs are listed newest first and found by name; damaged runs do not affect others."""

import os
import time
from pathlib import Path
from unicodedata import normalize

import pytest

from tests.support.fake_run import FakeTrainer, created_run, fake_run
from tui_charrnn.errors import RunError
from tui_charrnn.folders import default_runs_folder
from tui_charrnn.runs import catalogue
from tui_charrnn.runs.catalogue import WatchedFolder, find_run, list_runs
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.layout import RunDirectory, format_command
from tui_charrnn.runs.reader import read_status


def test_no_folder_no_runs(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "missing") == []


def test_runs_are_listed_the_most_lately_written_first(tmp_path: Path) -> None:
    for age, name in enumerate(["newest", "middle", "oldest"]):
        run = created_run(tmp_path, name=name)
        os.utime(run.status, (1e9 - age, 1e9 - age))
    summaries = list_runs(tmp_path)
    assert [summary.run.name for summary in summaries] == ["newest", "middle", "oldest"]
    assert summaries[0].modified == 1e9


def test_a_summary_tells_what_a_list_shows(tmp_path: Path) -> None:
    fake_run(tmp_path, losses=[3.0, 2.0, 2.5], evaluations={1: 3.0, 2: 2.0, 3: 2.5})
    (summary,) = list_runs(tmp_path)
    assert summary.description is not None
    assert summary.description.name == "fake"
    assert summary.status is not None
    assert summary.status.state is RunState.FINISHED
    assert (summary.best_loss, summary.best_step) == (2.0, 2)
    assert summary.problem is None


def test_what_is_no_run_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    half = tmp_path / ".creating-x-1"
    half.mkdir()
    (half / "run.json").write_bytes(b"{}")
    assert list_runs(tmp_path) == []


def test_a_folder_of_closed_folders_is_not_said_to_be_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / "runs" / name).mkdir(parents=True)

    def refuse(run: RunDirectory) -> bool:
        raise RunError(f"{run.path} cannot be read: Permission denied.")

    monkeypatch.setattr(catalogue, "holds_run", refuse)
    with pytest.raises(RunError, match=r"/a cannot be read: Permission denied. 2 more"):
        list_runs(tmp_path / "runs")


def test_a_damaged_run_is_listed_with_its_problem(tmp_path: Path) -> None:
    created_run(tmp_path, name="good")
    created_run(tmp_path, name="bad").description.write_bytes(b'{"format": 9}')
    problems = {summary.run.name: summary.problem for summary in list_runs(tmp_path)}
    assert problems["good"] is None
    assert "format 9" in str(problems["bad"])


def test_a_run_is_found_by_name_and_by_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = created_run(tmp_path, name="fake")
    monkeypatch.chdir(run.path)
    for given in ("fake", str(run.path), f"{run.path}/", ".", "../fake"):
        assert find_run(given, tmp_path).path.resolve() == run.path


def test_a_run_whose_folder_macos_named_in_parts_is_found_by_its_name(tmp_path: Path) -> None:
    run = created_run(tmp_path, name=normalize("NFD", "동화"))
    assert find_run("동화", tmp_path) == run
    assert find_run(str(tmp_path / "동화"), tmp_path) == run


def test_a_name_wins_over_a_folder_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = created_run(tmp_path / "runs", name="fake")
    (tmp_path / "fake").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_run("fake", tmp_path / "runs") == run


def test_near_names_are_offered(tmp_path: Path) -> None:
    for name in ("1124-1543-pydoc", "1124-1601-bible"):
        created_run(tmp_path, name=name)
    with pytest.raises(RunError, match=r"Did you mean 1124-1543-pydoc\?"):
        find_run("pydoc", tmp_path)


@pytest.mark.parametrize("given", ["", "..", "nothing", "/", "a/b"])
def test_what_is_not_there_is_explained(tmp_path: Path, given: str) -> None:
    with pytest.raises(RunError, match="There are no runs yet"):
        find_run(given, tmp_path)


@pytest.mark.parametrize("given", ["x" * 300, "\0", "~nobody-at-all"])
def test_what_no_path_can_be_is_explained(tmp_path: Path, given: str) -> None:
    with pytest.raises(RunError, match="cannot be used as a path"):
        find_run(given, tmp_path)


def test_the_folder_is_chosen_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CHARRNN_RUNS", "~/my runs")
    assert default_runs_folder() == Path.home() / "my runs"
    monkeypatch.delenv("CHARRNN_RUNS")
    assert default_runs_folder() == Path.home() / "data" / "charrnn-tui" / "runs"


def test_a_run_that_is_found_by_dots_has_the_name_of_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = created_run(tmp_path, name="fake")
    monkeypatch.chdir(run.checkpoints)
    assert find_run("..", tmp_path) == run


def test_a_watched_folder_shows_what_changed(tmp_path: Path) -> None:
    watched = WatchedFolder(tmp_path)
    assert watched.list_runs() == []
    fake_run(tmp_path, name="first")
    created_run(tmp_path, name="second")
    assert watched.list_runs() == list_runs(tmp_path)
    (tmp_path / "first").rename(tmp_path / "renamed")
    (tmp_path / "second" / "state.json").unlink()
    assert watched.list_runs() == list_runs(tmp_path)


def test_a_watched_folder_reads_only_what_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_run(tmp_path, name="still")
    changing = created_run(tmp_path, name="changing")
    watched = WatchedFolder(tmp_path)
    watched.list_runs()
    read: list[str] = []

    def note(run: RunDirectory) -> RunStatus | None:
        read.append(run.name)
        return read_status(run)

    monkeypatch.setattr(catalogue, "read_status", note)
    changing.status.write_bytes(b"{}")
    watched.list_runs()
    assert read == ["changing"]


def test_a_heartbeat_that_was_seen_to_change_is_new_by_any_clock(tmp_path: Path) -> None:
    with FakeTrainer(created_run(tmp_path)) as trainer:
        trainer.start()
        watched = WatchedFolder(tmp_path)
        os.utime(trainer.run.status, (1e9, 1e9))  # a file server whose clock is years behind
        (summary,) = watched.list_runs()
        assert summary.judge(time.time()) == "lost"
        trainer.train(3.0)
        os.utime(trainer.run.status, (1e9 + 2, 1e9 + 2))
        (summary,) = watched.list_runs()
        assert summary.judge(time.time()) == "alive"


def test_a_trainer_is_judged_by_the_age_of_its_status(tmp_path: Path) -> None:
    created_run(tmp_path, name="new")
    with FakeTrainer(created_run(tmp_path, name="live")) as trainer:
        trainer.start()
        summaries = {summary.run.name: summary for summary in list_runs(tmp_path)}
        now = summaries["live"].modified
        assert summaries["live"].judge(now) == "alive"
        assert summaries["live"].judge(now + 60) == "silent"
        assert summaries["live"].judge(now + 600) == "lost"
        assert summaries["new"].judge(now + 600) is None


def test_a_command_names_a_run_as_shortly_as_it_is_found(isolated_home: Path) -> None:
    at_home = RunDirectory(isolated_home / "runs" / "moby")
    elsewhere = RunDirectory(Path("/mnt/big disk/moby"))
    assert format_command("attach", at_home) == "charrnn-tui attach moby"
    assert format_command("stop", elsewhere) == "charrnn-tui stop '/mnt/big disk/moby'"
