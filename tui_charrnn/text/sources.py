"""Finds the files of a corpus by the user's arguments."""

import contextlib
import difflib
import fnmatch
import glob
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final, TypeVar
from unicodedata import normalize

from tui_charrnn.errors import CorpusError, did_you_mean, never_cancelled
from tui_charrnn.paths import (
    Kind,
    find_kind,
    is_file,
    is_folder,
    parse_path,
    real_path,
    stored_path,
)
from tui_charrnn.text.cache import Progress
from tui_charrnn.text.catalogue import CatalogueEntry, load_catalogue, obtain
from tui_charrnn.text.corpus import Reading
from tui_charrnn.text.decoding import SNIFFED_BYTES, looks_binary, open_bytes
from tui_charrnn.translation import tr

_Item = TypeVar("_Item")
CATALOGUE_PREFIX: Final = "catalogue:"
STANDARD_INPUT: Final = "-"
_UNREPEATABLE: Final = ("/dev/", "/proc/")
"""Prefixes of paths that name open streams, which cannot be read again."""
_NO_DISK: Final = frozenset(map(Path, ("/dev", "/proc", "/sys")))
"""System folders, which have no texts and whose files may block forever."""
MAX_ENTRIES = 100_000
"""Maximum files and folders searched for a corpus: a few seconds."""


@dataclass(frozen=True, slots=True)
class Source:
    """One text of a corpus, found but not read."""

    name: str
    """Its name in errors."""
    label: str
    """Its name in a corpus; shared by the files of one folder."""
    path: Path | None = None
    entry: CatalogueEntry | None = None
    """Neither path nor entry: standard input."""

    @property
    def is_repeatable(self) -> bool:
        """Whether the text can be read a second time, when a run is resumed."""
        if self.path is None:
            return self.entry is not None
        return is_file(self.path) and not str(self.path).startswith(_UNREPEATABLE)

    @property
    def file(self) -> Path | None:
        """The path of the text, or of its cached file; None for a stream."""
        return self.entry.path if self.entry else self.path

    @property
    def address(self) -> str:
        """An argument that names the same text, to be stored."""
        return f"{CATALOGUE_PREFIX}{self.entry.name}" if self.entry else str(self.path)


def file_of(source: Source, stdin: BinaryIO | None, progress: Progress | None) -> Path | BinaryIO:
    """The file or stream to read a source from; a text of the catalogue may be downloaded.

    Raises:
        CorpusError: If it is standard input, and `stdin` is None.
        StorageError: If a text of the catalogue cannot be stored.
    """
    path = obtain(source.entry, progress=progress) if source.entry else source.path
    if path is not None:
        return path
    if stdin is None:
        raise CorpusError("Standard input cannot be read here; give the path of a file instead.")
    return stdin


def reading_of(source: Source, reading: Reading) -> Reading:
    """The reading options of a source: a text of the catalogue is always UTF-8."""
    return replace(reading, encoding="utf-8") if source.entry else reading


@dataclass(frozen=True, slots=True)
class FoundSources:
    """The texts that arguments name, in order, each once."""

    sources: tuple[Source, ...]
    skipped: int
    """Skipped files of folders and globs: binary or empty."""


def find_sources(
    arguments: Sequence[str],
    *,
    encoding: str,
    check_cancelled: Callable[[], None] = never_cancelled,
) -> FoundSources:
    """Find the texts that arguments name: files, folders, globs, `-`, names of the catalogue.

    An existing path takes precedence over a glob, and a glob over a name of the catalogue. A text
    that is named twice is used once, so that no part of it is both trained on and held out. The
    encoding decides which files of a folder are text. `check_cancelled` is called for every file
    and raises to cancel the search.

    Raises:
        CorpusError: If an argument names nothing, or nothing that holds text.
    """
    if not arguments:
        raise CorpusError("No corpus was named. Give a text file, a folder, - or a known name.")
    sources: dict[str, Source] = {}
    skipped = 0
    for argument in arguments:
        found = _find(argument, encoding, check_cancelled)
        skipped += found.skipped
        for source in found.sources:
            place = str(real_path(source.path)) if source.path else source.address
            sources.setdefault(place, source)
    return FoundSources(tuple(sources.values()), skipped)


def _find(argument: str, encoding: str, check_cancelled: Callable[[], None]) -> FoundSources:
    if argument == STANDARD_INPUT:
        return FoundSources((Source("standard input", "stdin"),), 0)
    if argument.startswith(CATALOGUE_PREFIX):
        return _from_catalogue(argument.removeprefix(CATALOGUE_PREFIX))
    path = parse_path(argument, tr("The corpus"), error=CorpusError)
    if not path.is_absolute():
        raise CorpusError("The current folder was removed or moved. Change to another folder.")
    with CorpusError.if_unreadable(tr("The corpus {path}", path=path)):
        kind = find_kind(path)
    if kind is Kind.FOLDER:
        holder = tr("The folder {path}", path=argument)
        label = normalize("NFC", real_path(path).name) or "root"
        below = _Search(holder, check_cancelled).folders_below(path, is_pattern=False)
        found = sorted(itertools.chain.from_iterable(files for _, files in below))
        return _texts_among(_cancellable(found, check_cancelled), holder, encoding, label)
    if kind is not None:
        is_stream = str(path).startswith(_UNREPEATABLE)  # such as /dev/fd/63 of <(command)
        label = "stream" if is_stream else normalize("NFC", path.stem)
        return FoundSources((Source(argument, label, path=path),), 0)
    if glob.has_magic(argument):
        holder = tr("The pattern {pattern}", pattern=argument)
        matches = set(_Search(holder, check_cancelled).matches(Path(path.anchor), path.parts[1:]))
        files = sorted(match for match in matches if not is_folder(match))
        return _texts_among(_cancellable(files, check_cancelled), holder, encoding)
    return _from_catalogue(argument)


def _cancellable(items: Iterable[_Item], check_cancelled: Callable[[], None]) -> Iterator[_Item]:
    for item in items:
        check_cancelled()
        yield item


class _Search:
    """Searches folders for one argument: each folder once, `MAX_ENTRIES` entries at most."""

    def __init__(self, holder: str, check_cancelled: Callable[[], None]) -> None:
        self._holder, self._check_cancelled = holder, check_cancelled
        self._seen = 0

    def matches(self, folder: Path, parts: Sequence[str]) -> Iterator[Path]:
        """Yield the paths that match a pattern, part by part; `**` matches any number of folders.

        As in a shell, hidden files must be named explicitly, and unreadable folders are skipped.

        Raises:
            CorpusError: If there are more than `MAX_ENTRIES` entries.
        """
        if not parts:
            yield folder
            return
        part, *rest = parts
        if not glob.has_magic(part):
            if os.path.lexists(place := stored_path(folder / part)):
                yield from self.matches(place, rest)
        elif part == "**":
            for place, files in self.folders_below(folder, is_pattern=True):
                yield from self.matches(place, rest) if rest else files
        else:
            with contextlib.suppress(OSError):
                for entry in self._entries(folder):
                    is_meant = part.startswith(".") or not entry.name.startswith(".")
                    name, pattern = normalize("NFC", entry.name), normalize("NFC", part)
                    if is_meant and fnmatch.fnmatchcase(name, pattern):
                        yield from self.matches(folder / entry.name, rest)

    def folders_below(
        self, folder: Path, *, is_pattern: bool
    ) -> Iterator[tuple[Path, Sequence[Path]]]:
        """Yield a folder and its subfolders, each with its files, without hidden ones.

        For a pattern, links to folders are followed and unreadable folders are skipped.

        Raises:
            CorpusError: If a folder is unreadable, or there are more than `MAX_ENTRIES` entries.
        """
        pending, known = [folder], set[Path]()
        while pending:
            place = pending.pop()
            real = real_path(place)
            if real in known:
                continue
            known.add(real)
            try:
                entries = self._entries(place)
            except OSError as error:
                if is_pattern:
                    continue
                raise CorpusError.unreadable(tr("The folder {path}", path=place), error) from error
            visible = [entry for entry in entries if not entry.name.startswith(".")]
            folders = {each.name for each in visible if _is_folder(each, follows_links=is_pattern)}
            pending += [place / name for name in folders]
            yield place, [place / each.name for each in visible if each.name not in folders]

    def _entries(self, folder: Path) -> list["os.DirEntry[str]"]:
        """The entries of a folder; none of a system folder."""
        if folder in _NO_DISK:
            return []
        with os.scandir(folder) as opened:
            found = list(
                itertools.islice(_cancellable(opened, self._check_cancelled), MAX_ENTRIES + 1)
            )
        self._seen += len(found)
        if self._seen > MAX_ENTRIES:
            raise CorpusError(
                "{holder} has more than {most:,} files and folders. Name a smaller one.",
                holder=self._holder,
                most=MAX_ENTRIES,
            )
        return found


def _is_folder(entry: "os.DirEntry[str]", *, follows_links: bool) -> bool:
    if entry.is_symlink():
        return follows_links and is_folder(Path(entry.path))
    return entry.is_dir(follow_symlinks=False)


def _texts_among(
    candidates: Iterable[Path], holder: str, encoding: str, label: str | None = None
) -> FoundSources:
    """The files that look like text, with one label or each with its own name."""
    looks = {path: _looks_like_text(path, encoding) for path in candidates}
    texts = [path for path, is_text in looks.items() if is_text]
    if not texts:
        if looks:
            raise CorpusError("{holder} has no text, only binary or empty files.", holder=holder)
        raise CorpusError("{holder} has no files.", holder=holder)
    sources = tuple(
        Source(str(path), label or normalize("NFC", path.stem), path=path) for path in texts
    )
    return FoundSources(sources, len(looks) - len(texts))


def _looks_like_text(path: Path, encoding: str) -> bool:
    if not is_file(path):
        return False
    with CorpusError.if_unreadable(path), open_bytes(path) as file:
        start = file.read(SNIFFED_BYTES)
    return bool(start) and not looks_binary(start, encoding)


def _from_catalogue(name: str) -> FoundSources:
    catalogue = load_catalogue()
    if name in catalogue:
        return FoundSources((Source(name, name, entry=catalogue[name]),), 0)
    if "://" in name:
        raise CorpusError(
            "{name} is an address; download it first and give the path of the file.", name=name
        )
    if os.sep in name:
        raise CorpusError("There is no file or folder {name!r}.", name=name)
    near = difflib.get_close_matches(name, list(catalogue), n=1)
    sentences = [
        tr("There is no file or folder {name!r}, and no corpus of that name.", name=name),
        did_you_mean(map(repr, near)) if near else "",
        tr("Known names: {names}.", names=", ".join(catalogue)),
    ]
    raise CorpusError(" ".join(filter(None, sentences)))
