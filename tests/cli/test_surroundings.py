"""Examining folders, locks and the terminal changes nothing."""

import sys
from io import TextIOWrapper
from pathlib import Path

import pytest

from tests.support.pseudo_terminal import terminal_pair
from tui_charrnn.cli.diagnosis import examine_folder, examine_terminal


def test_a_folder_is_judged_by_the_nearest_that_is_there(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert examine_folder(tmp_path / "not/yet/there").is_writable
    assert not examine_folder(file / "runs").is_writable
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    assert not examine_folder(circle).is_writable
    assert sorted(tmp_path.iterdir()) == sorted([circle, file, tmp_path / "home"])


def test_size_and_colors_of_a_terminal_are_examined(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal_pair((120, 36)) as (_, theirs), TextIOWrapper(theirs, encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "__stdout__", stream)
        found = examine_terminal({"TERM": "xterm-256color", "LANG": "en_US.UTF-8"})
        plain = examine_terminal({"TERM": "dumb", "LC_ALL": "C", "LANG": "en_US.UTF-8"})
    assert found is not None
    assert (found.columns, found.rows) == (120, 36)
    assert (found.colors, found.locale) == ("256", "en_US.UTF-8")
    assert plain is not None
    assert (plain.colors, plain.locale) == (None, "C")
    assert "only prints lines (TERM=dumb)" in plain.obstacle
    assert found.obstacle == ""
