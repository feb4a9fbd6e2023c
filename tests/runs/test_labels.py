"""Labels of a run are stored in it and searchable."""

from pathlib import Path
from unicodedata import normalize

import pytest

from tests.support.fake_run import created_run
from tests.support.faulty_disk import in_place
from tui_charrnn.errors import ConfigError
from tui_charrnn.runs.catalogue import (
    RunLabels,
    WatchedFolder,
    find_pinned,
    read_labels,
    write_labels,
)
from tui_charrnn.runs.file_system import FileSystem


def test_tags_are_added_once_and_taken_away() -> None:
    labels = RunLabels().with_tags(("a", "b", "a")).with_note("  한 줄 \n")
    assert (labels.tags, labels.note) == (("a", "b"), "한 줄")
    assert labels.with_tags(("-a", "-x", "c")).tags == ("b", "c")


@pytest.mark.parametrize("tag", ["", "-", "two words", "a,b", "x" * 41, "\x1b"])
def test_a_tag_is_a_word(tag: str) -> None:
    with pytest.raises(ConfigError, match="A tag must be a word"):
        RunLabels().with_tags((tag,))


def test_there_is_an_end_to_them() -> None:
    with pytest.raises(ConfigError, match="at most 20 tags"):
        RunLabels().with_tags(tuple(map(str, range(21))))
    with pytest.raises(ConfigError, match="at most 2,000"):
        RunLabels().with_note("x" * 2_001)


def test_they_are_kept_beside_the_run(tmp_path: Path) -> None:
    run = created_run(tmp_path)
    assert read_labels(run) == RunLabels()
    labels = RunLabels(tags=("first",), note="why")
    write_labels(run, labels)
    assert read_labels(run) == labels


def test_two_processes_label_a_run_at_the_same_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, labels = created_run(tmp_path), RunLabels(note="theirs")

    class OtherFirst(FileSystem):
        """Another process writes between our write and our rename."""

        def fsync(self, descriptor: int) -> None:
            super().fsync(descriptor)
            with in_place(FileSystem()), monkeypatch.context() as other_process:
                other_process.setattr("os.getpid", lambda: -1)
                write_labels(run, labels)

    with in_place(OtherFirst()):
        write_labels(run, RunLabels(note="ours"))
    assert read_labels(run).note == "ours"


def test_tags_and_notes_leave_the_pin(tmp_path: Path) -> None:
    run = created_run(tmp_path)
    assert find_pinned(tmp_path) is None
    write_labels(run, RunLabels(pinned=True).with_tags(("a",)).with_note("why"))
    assert read_labels(run).pinned
    assert find_pinned(tmp_path) == run
    assert find_pinned(tmp_path / "none") is None


@pytest.mark.parametrize("damage", ["", "[]", '{"tags": 3}', '{"tags": ["a"], "note": 1}'])
def test_a_damaged_file_says_nothing(tmp_path: Path, damage: str) -> None:
    run = created_run(tmp_path)
    run.labels.write_text(damage, encoding="utf-8")
    assert read_labels(run) == RunLabels()


def test_a_list_that_is_read_again_has_the_new_words(tmp_path: Path) -> None:
    run, folder = created_run(tmp_path), WatchedFolder(tmp_path)
    [before] = folder.list_runs()
    write_labels(run, RunLabels(tags=("Best",), note="warm rate"))
    [after] = folder.list_runs()
    assert not before.has_all_words("best")
    assert after.has_all_words("best RATE")
    assert after.has_all_words(run.name[:3])
    assert not after.has_all_words("best cold")


@pytest.mark.usefixtures("korean")
def test_words_are_found_in_korean_and_in_decomposed_hangul(tmp_path: Path) -> None:
    run = created_run(tmp_path)
    write_labels(run, RunLabels(tags=(normalize("NFD", "동화"),), pinned=True))
    [summary] = WatchedFolder(tmp_path).list_runs()
    assert all(summary.has_all_words(words) for words in ("동화", "고정", "pinned"))
