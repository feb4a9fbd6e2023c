"""The catalogue of named texts, and how each is built or downloaded."""

import hashlib
import os
import platform
import sys
import sysconfig
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tui_charrnn.errors import CorpusError
from tui_charrnn.folders import cache_folder, resource_folder
from tui_charrnn.text.cache import Progress, replace_file, writing_errors
from tui_charrnn.translation import tr

PYTHON_LIMIT: Final = 16_000_000  # bytes

_LEFT_OUT: Final = {
    *("test", "tests", "idle_test"),
    *("encodings", "pydoc_data"),  # data written as source: character maps, the reference manual
    *("site-packages", "dist-packages", "__pycache__"),
}
_MACHINE_FACTS: Final = "_sysconfigdata"
"""Prefix of modules that record how this Python was compiled, with paths of the build machine."""


def build_pydoc(progress: Progress | None = None) -> str:
    """The reference text of Python's `help()`, topics sorted by name.

    Raises:
        CorpusError: If this Python lacks it.
    """
    try:
        # deferred: 0.5 MB of text
        from pydoc_data.topics import topics  # noqa: PLC0415  deferred, see above
    except ImportError as error:
        raise CorpusError(
            "This Python came without the text of its help(); install the package with "
            "pydoc_data, or name another corpus."
        ) from error
    text = "\n".join(topics[name].rstrip("\n") + "\n" for name in sorted(topics))
    if progress is not None:
        progress(len(text), len(text))
    return text


def build_python(progress: Progress | None = None, *, folder: Path | None = None) -> str:
    """The source of the standard library, files sorted by path.

    Tests, data tables and files that are not valid UTF-8 are left out. Whole files are added until
    the next one would exceed `PYTHON_LIMIT` bytes.

    Raises:
        CorpusError: If this Python lacks its source.
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
            "This Python came without the source of its library (looked in {root}); name "
            "another corpus.",
            root=root,
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
    """The text of a module, ending in a newline; empty if it cannot be decoded."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""
    text = text.replace("\r\n", "\n").rstrip("\n")
    return f"{text}\n" if text and "\0" not in text else ""


_BUILDERS: Final[Mapping[str, Callable[[Progress | None], str]]] = {
    "pydoc": build_pydoc,
    "python": build_python,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """One text of the catalogue, as corpora/catalogue.toml describes it."""

    name: str
    title: str
    approximate_bytes: int
    """Size as UTF-8, for the list."""
    note: str = ""
    builder: str | None = None
    """The key in `_BUILDERS` that builds it on this machine; None for a download."""
    urls: tuple[str, ...] = ()
    maximum_bytes: int = 0
    sha256: str | None = None
    """Of the file, in hexadecimal digits; None if not known in advance."""
    characters: int | None = None
    """Exact length; None if not known in advance."""

    @property
    def kind(self) -> str:
        """`built` on this machine, or a `download`."""
        return "built" if self.builder else "download"

    @property
    def path(self) -> Path:
        """The cached file. The name of a built text includes the version of Python."""
        version = f"-{sys.implementation.name}-{platform.python_version()}"
        return corpora_folder() / f"{self.name}{version if self.builder else ''}.txt"

    @property
    def record(self) -> Path:
        """The file beside it that holds its hash, in the format of the command sha256sum."""
        return self.path.with_name(f"{self.path.name}.sha256")

    @property
    def expected_sha256(self) -> str | None:
        """The expected hash of the cached file: that of the catalogue, else the recorded one."""
        if self.sha256 is not None:
            return self.sha256
        try:
            words = self.record.read_text(encoding="ascii", errors="replace").split()
        except OSError:
            return None
        return words[0] if words and len(words[0]) == 64 else None

    @property
    def is_unknown(self) -> bool:
        """Whether it is a download without a known hash to verify it."""
        return self.kind == "download" and self.expected_sha256 is None

    @property
    def is_here(self) -> bool:
        """Whether the text is in the cache, undamaged."""
        expected = self.expected_sha256
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == expected
        except OSError:
            return False

    def store(self, data: bytes) -> None:
        """Write the text and its hash to the cache, each file atomically.

        Raises:
            StorageError: If a file cannot be written.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        with writing_errors(self.path):
            replace_file(self.path, [data])
            replace_file(self.record, [f"{sha256}  {self.path.name}\n".encode()])


def corpora_folder() -> Path:
    """The folder of cached corpora.

    Raises:
        ConfigError: If CHARRNN_CACHE names no path.
    """
    return cache_folder() / "corpora"


def load_catalogue() -> dict[str, CatalogueEntry]:
    """Read the bundled catalogue.

    Returns:
        Entries by name, in the order of the file.

    Raises:
        CorpusError: If the file cannot be read.
    """
    source = resource_folder("corpora") / "catalogue.toml"
    try:
        document = tomllib.loads(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CorpusError(
            "The catalogue {source} cannot be read: {problem}.", source=source, problem=error
        ) from error
    return {
        name: CatalogueEntry(name=name, **{**values, "urls": tuple(values.get("urls", ()))})
        for name, values in document.items()
    }


def obtain(entry: CatalogueEntry, *, progress: Progress | None = None) -> Path:
    """Return the cached file of an entry, built or downloaded on first use, verified on every use.

    Raises:
        CorpusError: If it cannot be built or downloaded.
        StorageError: If it cannot be stored.
    """
    if not entry.is_here:
        build = _BUILDERS[entry.builder] if entry.builder else None
        entry.store(build(progress).encode() if build else _downloaded(entry, progress))
    return entry.path


def _downloaded(entry: CatalogueEntry, progress: Progress | None) -> bytes:
    # deferred: TLS and HTTP take a fifth of the start of every command that reads corpora
    from tui_charrnn.text.download import fetch  # noqa: PLC0415  see above

    try:
        return fetch(
            entry.urls,
            maximum_bytes=entry.maximum_bytes,
            sha256=entry.expected_sha256,
            progress=progress,
        )
    except CorpusError as error:
        sentences = [
            tr("{title} could not be downloaded. {problem}.", title=entry.title, problem=error)
        ]
        if entry.sha256 is None and entry.record.exists():
            sentences.append(
                tr(
                    "If the text was changed on purpose, delete {path} and try again.",
                    path=entry.record,
                )
            )
        sentences.append(
            tr(
                "Without a network: fetch {url} on another machine, put the file anywhere on this "
                "one, and give its path instead of the name {name}.",
                url=entry.urls[0],
                name=entry.name,
            )
        )
        raise CorpusError(" ".join(sentences)) from error
