"""The texts that a user's arguments name."""

from pathlib import Path
from unicodedata import normalize

from tui_charrnn.text.sources import find_sources


def test_a_text_named_in_several_ways_is_taken_once(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("to be, or not to be", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.txt").symlink_to(text)
    roundabout = tmp_path / "folder" / ".." / "text.txt"
    names = [str(text), str(tmp_path / "link.txt"), str(roundabout), str(tmp_path / "t*.txt")]
    found = find_sources(names, encoding="utf-8")
    assert [source.path for source in found.sources] == [text]


def test_a_name_that_macos_wrote_in_parts_is_found_and_composed(tmp_path: Path) -> None:
    folder = tmp_path / normalize("NFD", "글")
    folder.mkdir()
    (folder / normalize("NFD", "동화.txt")).write_text("옛날에", "utf-8")
    for typed in ("글/동화.txt", "글/동*.txt", "*/동화.txt"):
        [source] = find_sources([f"{tmp_path}/{typed}"], encoding="utf-8").sources
        assert source.label == "동화"
