"""From the words of a user to the files of a corpus."""

import difflib
import glob
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from tui_charrnn.errors import CorpusError
from tui_charrnn.text.catalogue import CatalogueEntry, load_catalogue
from tui_charrnn.text.decoding import SNIFFED, looks_binary
from tui_charrnn.text.opening import open_bytes

_Item = TypeVar("_Item")
CATALOGUE_PREFIX: Final = "catalogue:"
STANDARD_INPUT: Final = "-"
_UNREPEATABLE: Final = ("/dev/", "/proc/")
"""Where a path names an open stream rather than something that can be read again."""


@dataclass(frozen=True, slots=True)
class Source:
    """One text of a corpus, found but not read."""

    name: str
    """What to call it in an error."""
    label: str
    """What to call a corpus of it: shared by the files of one folder."""
    path: Path | None = None
    entry: CatalogueEntry | None = None
    """Neither path nor entry: standard input."""

    @property
    def is_repeatable(self) -> bool:
        """Whether the text can be read a second time, when a run is resumed."""
        if self.path is None:
            return self.entry is not None
        return self.path.is_file() and not str(self.path).startswith(_UNREPEATABLE)

    @property
    def address(self) -> str:
        """What to write down to find the text again; it is itself a valid argument."""
        return f"{CATALOGUE_PREFIX}{self.entry.name}" if self.entry else str(self.path)


@dataclass(frozen=True, slots=True)
class FoundSources:
    """The texts that arguments name, in order, each once."""

    sources: tuple[Source, ...]
    skipped: int
    """Files of folders and globs that were passed over: binary or empty."""


def never_cancelled() -> None:
    """Give no reason to stop."""


def find_sources(
    arguments: Sequence[str],
    *,
    encoding: str,
    check_cancelled: Callable[[], None] = never_cancelled,
) -> FoundSources:
    """Find the texts that arguments name.

    A path that exists wins over a glob, and a glob over a name of the catalogue. A text that is
    named twice is taken once, so that none of it can be both trained on and held out.

    Args:
        arguments: Files, folders, globs, `-`, names of the catalogue, `catalogue:NAME`.
        encoding: In which they will be read; tells which files of a folder are text.
        check_cancelled: Called for every file that is looked at; it raises to give the search up.

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
            place = str(source.path.resolve()) if source.path else source.address
            sources.setdefault(place, source)
    return FoundSources(tuple(sources.values()), skipped)


def _find(argument: str, encoding: str, check_cancelled: Callable[[], None]) -> FoundSources:
    if argument == STANDARD_INPUT:
        return FoundSources((Source("standard input", "stdin"),), 0)
    if argument.startswith(CATALOGUE_PREFIX):
        return _from_catalogue(argument.removeprefix(CATALOGUE_PREFIX))
    if not argument or "\0" in argument:
        raise CorpusError(f"A corpus needs a name. Received: {argument!r}.")
    path = _as_path(argument)
    if _exists(path):
        if path.is_dir():
            paths = sorted(_heeding(_files_below(path), check_cancelled))
            label = path.resolve().name or "root"
            return _texts_among(
                _heeding(paths, check_cancelled), f"The folder {argument}", encoding, label
            )
        return FoundSources((Source(argument, path.stem, path=path),), 0)
    if glob.has_magic(argument):
        matches = glob.iglob(str(path), recursive=True)  # noqa: PTH207  the pattern is absolute
        found = sorted(map(Path, _heeding(matches, check_cancelled)))
        files = [match for match in found if not match.is_dir()]
        return _texts_among(_heeding(files, check_cancelled), f"The pattern {argument}", encoding)
    return _from_catalogue(argument)


def _as_path(argument: str) -> Path:
    """The absolute path that an argument means, if it means one."""
    path = Path(argument)
    try:
        return path.expanduser().absolute()
    except RuntimeError:  # `~name` without such a user
        return path.absolute()


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except PermissionError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}.") from error
    except OSError:  # not there, or too long for a path
        return False
    return True


def _heeding(items: Iterable[_Item], check_cancelled: Callable[[], None]) -> Iterator[_Item]:
    for item in items:
        check_cancelled()
        yield item


def _files_below(folder: Path) -> Iterable[Path]:
    """The files of a folder and of those in it, but nothing hidden."""
    for place, folders, files in os.walk(folder, onerror=_refuse_folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place, name) for name in files if not name.startswith("."))


def _refuse_folder(error: OSError) -> None:
    raise CorpusError(f"The folder {error.filename} cannot be read: {error.strerror}.")


def _texts_among(
    candidates: Iterable[Path], holder: str, encoding: str, label: str | None = None
) -> FoundSources:
    """Those files that look like text, labeled together or each by its own name."""
    looks = {path: _looks_like_text(path, encoding) for path in candidates}
    texts = [path for path, is_text in looks.items() if is_text]
    if not texts:
        kind = "no text, only binary or empty files" if looks else "no files"
        raise CorpusError(f"{holder} holds {kind}.")
    sources = tuple(Source(str(path), label or path.stem, path=path) for path in texts)
    return FoundSources(sources, len(looks) - len(texts))


def _looks_like_text(path: Path, encoding: str) -> bool:
    if not path.is_file():
        return False
    try:
        with open_bytes(path) as file:
            start = file.read(SNIFFED)
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}.") from error
    return bool(start) and not looks_binary(start, encoding)


def _from_catalogue(name: str) -> FoundSources:
    catalogue = load_catalogue()
    if name in catalogue:
        return FoundSources((Source(name, name, entry=catalogue[name]),), 0)
    if "://" in name:
        raise CorpusError(f"{name} is an address; download it first and give the path of the file.")
    near = difflib.get_close_matches(name, list(catalogue), n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    raise CorpusError(
        f"There is no file or folder {name!r}, and no corpus of that name. {hint}"
        f"Known names: {', '.join(catalogue)}."
    )
