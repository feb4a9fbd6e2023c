"""The README in both languages: they name each other, and the same commands."""

import re

from tests.support.command import ROOT

COMMAND = re.compile(r"^(?:make|charrnn-tui) [a-z]+(?: --?[a-z-]+| [a-z]+(?= {2}))*", re.MULTILINE)
CODE = re.compile(r"^\| (\d+) \|", re.MULTILINE)
KEY = re.compile(r"^\| ((?:\^|F\d|Enter|Esc)[^|]*) \|", re.MULTILINE)


def test_both_readmes_name_the_same_commands_keys_and_exit_codes() -> None:
    english = (ROOT / "README.md").read_text(encoding="utf-8")
    korean = (ROOT / "README.ko.md").read_text(encoding="utf-8")
    assert "](README.ko.md)" in english
    assert "](README.md)" in korean
    for pattern in (COMMAND, CODE, KEY):
        found = pattern.findall(english)
        assert len(found) > 5
        assert [words for words in found if words not in korean] == []
        if pattern is not COMMAND:
            assert [each for each in pattern.findall(korean) if each in found] == found
    assert re.findall(r"\]\((docs/[^)]+)\)", english) == re.findall(r"\]\((docs/[^)]+)\)", korean)
