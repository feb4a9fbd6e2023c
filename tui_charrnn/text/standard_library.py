"""Corpora that lie in every Python installation: its reference manual and its source."""

import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tui_charrnn.errors import CorpusError
from tui_charrnn.text.progress import Progress

PYTHON_LIMIT: Final = 16_000_000  # bytes

_TESTS: Final = {"test", "tests", "idle_test"}
_TABLES: Final = {"encodings", "pydoc_data"}
"""Packages that are data in the form of source: character maps, the reference manual."""
_FOREIGN: Final = {"site-packages", "dist-packages", "__pycache__"}
_LEFT_OUT: Final = _TESTS | _TABLES | _FOREIGN
_MACHINE_FACTS: Final = "_sysconfigdata"
"""Prefix of modules that record how this Python was compiled, with paths of that machine."""


def build_pydoc(progress: Progress | None = None) -> str:
    """The reference text of Python's `help()`, its topics in the order of their names.

    Raises:
        CorpusError: If this Python came without it.
    """
    try:
        # deferred: 0.5 MB of text
        from pydoc_data.topics import topics  # noqa: PLC0415  deferred, see above
    except ImportError as error:
        raise CorpusError(
            "This Python came without the text of its help(); install the package that holds "
            "pydoc_data, or name another corpus."
        ) from error
    text = "\n".join(topics[name].rstrip("\n") + "\n" for name in sorted(topics))
    if progress is not None:
        progress(len(text), len(text))
    return text


def build_python(progress: Progress | None = None, *, folder: Path | None = None) -> str:
    """The source of the standard library, its files in the order of their paths.

    Tests, tables of data and files that are not valid UTF-8 are left out. Whole files are taken
    until the next one would lead past `PYTHON_LIMIT` bytes.

    Args:
        progress: Told of bytes read and of the most that there can be.
        folder: Of the library; that of the running Python by default.

    Raises:
        CorpusError: If this Python came without its source.
    """
    root = folder or Path(sysconfig.get_path("stdlib"))
    texts, size = [], 0
    for path in sorted(_modules(root)):
        text = _source(path)
        length = len(text.encode()) + 1  # with the blank line after it
        if size + length > PYTHON_LIMIT:
            break
        if text:
            texts.append(text)
            size += length
        if progress is not None:
            progress(size, PYTHON_LIMIT)
    if not texts:
        raise CorpusError(
            f"This Python came without the source of its library (looked in {root}); "
            "name another corpus."
        )
    return "\n".join(texts)


def _modules(root: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        yield from (
            Path(place, name)
            for name in files
            if name.endswith(".py") and not name.startswith(_MACHINE_FACTS)
        )


def _source(path: Path) -> str:
    """The text of a module with a closed last line, or nothing if it does not decode."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""
    text = text.replace("\r\n", "\n").rstrip("\n")
    return f"{text}\n" if text and "\0" not in text else ""
