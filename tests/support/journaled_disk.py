"""A disk that remembers in which order it was written, to say what a loss of power may leave.

disk = JournaledDisk(folder)
with in_place(disk):
    ...                                  # everything is really done, and written down
leave(disk.journal[:n], rng, elsewhere)  # what may be found if the power goes after n entries

Only what was synced is sure: of a file its contents, by `fsync`; of a folder its names, by
`fsync_folder`. Of all else anything may be there: some of the names that changed, some of the
contents, torn at any byte, or their length with zeros in it.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from tui_charrnn.runs.file_system import FileSystem

ROOT: Final = 0
Entry: TypeAlias = tuple[Any, ...]
"""("folder", number); ("file", number, contents); ("write", number, offset, data);
("cut", number, size); ("sync", number); ("names", number, {name: number or None});
("sync names", number)."""


class JournaledDisk(FileSystem):
    """Does everything, and writes it down; all in one folder, which is taken to be durable before.

    Args:
        folder: What is below it is watched.
    """

    def __init__(self, folder: Path) -> None:
        self.journal: list[Entry] = []
        self._root = folder
        self._numbers: dict[Path, int] = {}
        self._places: dict[int, tuple[int, int]] = {}
        """File and offset by descriptor."""
        self._count = 0
        self._take_stock(folder)

    def note(self, *entry: Any) -> None:
        """Write something else down, between what is done."""
        self.journal.append(entry)

    def open(self, path: Path, flags: int, folder: int | None = None) -> int:
        is_new = not os.path.lexists(path)
        descriptor = super().open(path, flags, folder)
        if is_new:
            number = self._register(path, ("file", b""))
            self.note("names", self._numbers[path.parent], {path.name: number})
        number = self._numbers[path]
        if flags & os.O_TRUNC:
            self.note("cut", number, 0)
        self._places[descriptor] = number, -1 if flags & os.O_APPEND else 0
        return descriptor

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        number, offset = self._places[descriptor]
        start = os.fstat(descriptor).st_size if offset < 0 else offset
        taken = super().write(descriptor, data)
        self.note("write", number, start, bytes(data[:taken]))
        self._places[descriptor] = number, offset if offset < 0 else offset + taken
        return taken

    def truncate(self, descriptor: int, size: int = 0) -> None:
        super().truncate(descriptor, size)
        self.note("cut", self._places[descriptor][0], size)

    def fsync(self, descriptor: int) -> None:
        self.note("sync", self._places[descriptor][0])

    def close(self, descriptor: int) -> None:
        super().close(descriptor)
        self._places.pop(descriptor, None)

    def replace(
        self, source: Path, target: Path, folders: tuple[int | None, int | None] = (None, None)
    ) -> None:
        super().replace(source, target, folders)
        moved = {
            path: number
            for path, number in self._numbers.items()
            if source in (path, *path.parents)
        }
        for path in [path for path in self._numbers if target in (path, *path.parents)]:
            del self._numbers[path]
        for path, number in moved.items():
            del self._numbers[path]
            self._numbers[target / path.relative_to(source)] = number
        number = self._numbers[target]
        if source.parent == target.parent:  # one change, which is there or not
            names = {source.name: None, target.name: number}
            self.note("names", self._numbers[target.parent], names)
        else:
            self.note("names", self._numbers[target.parent], {target.name: number})
            self.note("names", self._numbers[source.parent], {source.name: None})

    def mkdir(self, path: Path, folder: int | None = None) -> None:
        super().mkdir(path, folder)
        number = self._register(path, ("folder",))
        self.note("names", self._numbers[path.parent], {path.name: number})

    def remove(self, path: Path, folder: int | None = None) -> None:
        super().remove(path, folder)
        del self._numbers[path]
        self.note("names", self._numbers[path.parent], {path.name: None})

    def fsync_folder(self, path: Path, opened: int | None = None) -> None:
        if path in self._numbers:
            self.note("sync names", self._numbers[path])

    def _register(self, path: Path, kind: tuple[Any, ...]) -> int:
        number, self._count = self._count, self._count + 1
        self._numbers[path] = number
        self.note(kind[0], number, *kind[1:])
        return number

    def _take_stock(self, path: Path) -> int:
        if not path.is_dir():
            number = self._register(path, ("file", path.read_bytes()))
            self.note("sync", number)
            return number
        number = self._register(path, ("folder",))
        names = {each.name: self._take_stock(each) for each in sorted(path.iterdir())}
        self.note("names", number, names)
        self.note("sync names", number)
        return number


@dataclass(slots=True)
class _File:
    durable: bytes = b""
    pending: list[Entry] = field(default_factory=list)


@dataclass(slots=True)
class _Folder:
    durable: dict[str, int] = field(default_factory=dict)
    pending: list[dict[str, int | None]] = field(default_factory=list)


def leave(journal: Iterable[Entry], rng: np.random.Generator, target: Path) -> None:
    """Make in a folder what may be found there after a loss of power.

    Args:
        journal: What was done until then.
        rng: Decides about all that was not synced.
        target: The folder; it must not exist.
    """
    files: dict[int, _File] = {}
    folders: dict[int, _Folder] = {}
    for kind, number, *rest in journal:
        if kind == "file":
            files[number] = _File(pending=[("write", 0, rest[0])])
        elif kind == "folder":
            folders[number] = _Folder()
        elif kind in {"write", "cut"}:
            files[number].pending.append((kind, *rest))
        elif kind == "names":
            folders[number].pending.append(rest[0])
        elif kind == "sync":
            file = files[number]
            file.durable, file.pending = _applied(file.durable, file.pending), []
        elif kind == "sync names":
            folder = folders[number]
            folder.durable, folder.pending = _renamed(folder.durable, folder.pending), []
    _build(ROOT, files, folders, rng, target)


def _build(
    number: int,
    files: dict[int, _File],
    folders: dict[int, _Folder],
    rng: np.random.Generator,
    target: Path,
) -> None:
    if number in files:
        target.write_bytes(_torn(files[number], rng))
        return
    target.mkdir()
    folder = folders[number]
    for name, child in _renamed(folder.durable, _some(folder.pending, rng)).items():
        _build(child, files, folders, rng, target / name)


def _some(
    changes: list[dict[str, int | None]], rng: np.random.Generator
) -> list[dict[str, int | None]]:
    """Those that reached the disk: the first ones, as with a journal, or any."""
    if rng.random() < 0.5:
        return changes[: rng.integers(0, len(changes) + 1)]
    return [change for change in changes if rng.random() < 0.5]


def _renamed(names: dict[str, int], changes: list[dict[str, int | None]]) -> dict[str, int]:
    result: dict[str, int | None] = dict(names)
    for change in changes:
        result.update(change)
    return {name: number for name, number in result.items() if number is not None}


def _applied(contents: bytes, writes: list[Entry]) -> bytes:
    result = bytearray(contents)
    for kind, place, *data in writes:
        if kind == "cut":
            del result[place:]
            result.extend(bytes(place - len(result)))
        else:
            result.extend(bytes(max(0, place - len(result))))
            result[place : place + len(data[0])] = data[0]
    return bytes(result)


def _torn(file: _File, rng: np.random.Generator) -> bytes:
    """A file of which only a part was synced."""
    chosen = file.pending[: rng.integers(0, len(file.pending) + 1)]
    before, whole = _applied(file.durable, chosen[:-1]), _applied(file.durable, chosen)
    fate = rng.integers(0, 3)
    if fate == 0 or not chosen:
        return whole
    pairs = zip(before, whole, strict=False)
    same = next(
        (at for at, (old, new) in enumerate(pairs) if old != new), min(map(len, (before, whole)))
    )
    cut = int(rng.integers(same, len(whole) + 1)) if len(whole) > same else same
    if fate == 1:
        return whole[:cut] + before[cut:]
    return whole[:cut] + bytes(len(whole) - cut)  # the length came first
