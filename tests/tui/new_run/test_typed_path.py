"""Typed, completed and dropped paths."""

import os
from pathlib import Path
from unicodedata import normalize

import pytest

from tui_charrnn.tui.background import CancelledError
from tui_charrnn.tui.new_run.path_fields import clean_path, complete_path, dropped_paths


def never_cancel() -> None:
    pass


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with texts, a folder, a pipe, a hidden file and an escape in a name."""
    home = tmp_path / "reader"
    (home / "texts").mkdir(parents=True)
    for name in ("tale.txt", "Tales.txt", "two words.txt", ".tale", "ta\x1b]0;x.txt"):
        (home / name).write_text("to be", encoding="utf-8")
    os.mkfifo(home / "tap")
    (home / "tangling").symlink_to("gone")
    (home / "tank").symlink_to("/dev/null")
    monkeypatch.setenv("HOME", str(home))
    return home


def offered(typed: str) -> list[str]:
    return [candidate.path for candidate in complete_path(typed, never_cancel)[0]]


def test_folders_and_files_are_offered_and_nothing_else(home: Path) -> None:
    assert offered(f"{home}/ta") == [f"{home}/tale.txt"]
    assert offered(f"{home}/") == [
        f"{home}/tale.txt",
        f"{home}/Tales.txt",
        f"{home}/texts/",
        f"{home}/two words.txt",
    ]


def test_a_tilde_stays_a_tilde(home: Path) -> None:
    assert offered("~/te") == ["~/texts/"]


def test_hidden_entries_are_offered_after_a_dot(home: Path) -> None:
    assert offered("~/.") == ["~/.tale"]


def test_a_bare_name_is_searched_in_the_current_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    assert offered("ta") == ["tale.txt"]


def test_an_existing_file_is_recognized(home: Path) -> None:
    (home / "tale.txt.old").write_text("", encoding="utf-8")
    candidates, is_file = complete_path("~/tale.txt", never_cancel)
    assert is_file
    assert [candidate.name for candidate in candidates] == ["tale.txt.old"]


@pytest.mark.parametrize("typed", ["/nowhere/at/all", "~nosuchuser/x", "~", "a\0b/c", "*/x"])
def test_a_path_that_does_not_exist_offers_nothing(home: Path, typed: str) -> None:
    assert offered(typed) == []


def test_a_search_can_be_cancelled(home: Path) -> None:
    def cancel() -> None:
        raise CancelledError

    with pytest.raises(CancelledError):
        complete_path("~/", cancel)


@pytest.mark.parametrize(
    ("pasted", "expected"),
    [
        ("/a/b.txt", ("/a/b.txt",)),
        ("/a/two words.txt ", ("/a/two words.txt",)),
        ("'/a/two words.txt' ", ("/a/two words.txt",)),
        ('"/a/two words.txt"', ("/a/two words.txt",)),
        ("/a/two\\ words\\(1\\).txt", ("/a/two words(1).txt",)),
        ("'/a/it'\\''s.txt'", ("/a/it's.txt",)),
        ("/home/o'brien/a.txt", ("/home/o'brien/a.txt",)),
        ("file:///a/two%20words.txt", ("/a/two words.txt",)),
        ("file://localhost/a/%EA%B0%80.txt\n", ("/a/가.txt",)),
        ("~/a.txt", ("~/a.txt",)),
        ("'/a/b.txt' '/a/c d.txt'", ("/a/b.txt", "/a/c d.txt")),
        ("/a/b.txt /a/c.txt", ("/a/b.txt", "/a/c.txt")),
        ("/a/b.txt\n/a/c.txt\n", ("/a/b.txt", "/a/c.txt")),
        ("./a.txt", ("./a.txt",)),
        ("'../two words.txt'", ("../two words.txt",)),
        ("./a.txt ../b.txt", ("./a.txt", "../b.txt")),
        ("to be, or not to be", ()),
        (".hidden", ()),
        ("b.txt", ()),
        ("'/a/b", ()),
        ("", ()),
    ],
)
def test_pasted_paths_and_dropped_files_are_parsed(pasted: str, expected: tuple[str, ...]) -> None:
    assert dropped_paths(pasted) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (" ~/a b.txt ", "~/a b.txt"),
        ("'/a/b c.txt'", "/a/b c.txt"),
        ("file:///a/b%20c.txt", "/a/b c.txt"),
        ("/a/it's.txt", "/a/it's.txt"),
        ("texts/*.txt", "texts/*.txt"),
        ("'quoted name", "'quoted name"),
    ],
)
def test_quotes_and_addresses_are_understood_when_typed(typed: str, expected: str) -> None:
    assert clean_path(typed) == expected


def test_a_name_that_macos_wrote_in_parts_is_offered_as_it_is_typed(tmp_path: Path) -> None:
    (tmp_path / normalize("NFD", "동화.txt")).touch()
    candidates, _ = complete_path(f"{tmp_path}/동", lambda: None)
    assert [each.name for each in candidates] == ["동화.txt"]
    assert complete_path(f"{tmp_path}/동화.txt", lambda: None)[1]
