"""The two corpora that are built from the Python installation."""

import sys
from pathlib import Path

import pytest

from tui_charrnn.errors import CorpusError
from tui_charrnn.text import catalogue as standard_library
from tui_charrnn.text.catalogue import build_pydoc, build_python


def test_the_manual_is_long_and_the_same_each_time() -> None:
    text = build_pydoc()
    assert len(text) > 200_000
    assert text == build_pydoc()
    assert text.index('The "assert" statement') < text.index('The "while" statement')


def test_the_manual_is_missed_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(CorpusError, match="came without the text of its help"):
        build_pydoc()


def test_modules_are_joined_in_the_order_of_their_paths(tmp_path: Path) -> None:
    sources = {
        "b.py": b"b = 1\n\n\n",
        "a/z.py": b"z = 1\r\n",
        "a.py": b"\xef\xbb\xbfa = 1",
        "test/test_a.py": b"no",
        "a/tests/x.py": b"no",
        "site-packages/x.py": b"no",
        "pydoc_data/topics.py": b"no",
        "_sysconfigdata_linux.py": b"no",
        "a.txt": b"no",
        "latin.py": b"# caf\xe9",
        "zero.py": b"\0",
        "void.py": b"\n",
    }
    for name, source in sources.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(source)
    assert build_python(folder=tmp_path) == "z = 1\n\na = 1\n\nb = 1\n"


def test_modules_end_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standard_library, "PYTHON_LIMIT", 25)
    for name in "abc":
        (tmp_path / f"{name}.py").write_text(f"{name} = 12345\n", encoding="utf-8")
    seen: list[tuple[int, int | None]] = []
    text = build_python(lambda done, total: seen.append((done, total)), folder=tmp_path)
    assert text == "a = 12345\n\nb = 12345\n"
    assert seen == [(11, 25), (22, 25)]


def test_the_source_is_missed_in_words(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="came without the source"):
        build_python(folder=tmp_path)
