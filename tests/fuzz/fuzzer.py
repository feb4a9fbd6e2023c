"""Damages files, uses them, and says what went wrong."""

import os
import shutil
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from tests.fuzz.targets import TARGETS, build
from tests.support.faulty_disk import FaultyDisk, in_place
from tui_charrnn.errors import CharRNNError

TIME_LIMIT: Final = 5.0
"""Seconds of computing in which a file must have been read or refused."""
_CHANGES: Final = {
    "os.rename": ((0, 2), (1, 3)),
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.mkdir": ((0, 2),),
    "os.truncate": ((0, None),),
    "os.link": ((0, 2), (1, 3)),
    "os.symlink": ((1, 2),),
    "os.chmod": ((0, 2),),
}
"""Events of the interpreter that change the disk: which of their arguments are paths, and which
descriptors of the folders that those lie in."""


@dataclass
class Tally:
    """What came of the cases of one target."""

    cases: int = 0
    refused: int = 0
    """Of them ended with one of our errors."""
    slowest: float = 0.0
    """Seconds of computing."""
    failures: list[str] = field(default_factory=list)


class Fuzzer:
    """Tries one damaged file after another, in a folder of its own.

    Args:
        folder: Must not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._original, self._work = folder / "original", folder / "work"
        self._original.mkdir(parents=True)
        build(self._original)
        self.tallies = {name: Tally() for name in TARGETS}

    def try_case(self, name: str, seed: int) -> None:
        """Damage the file of a target as a seed says, and use it."""
        target, tally = TARGETS[name], self.tallies[name]
        rng = np.random.default_rng([seed, *name.encode()])
        self._make_work(anew=target.writes)
        path = self._work / target.path
        mutation = target.mutations[rng.integers(0, len(target.mutations))]
        whole = path.read_bytes()
        path.unlink()  # a file that is written over would be waited for
        path.write_bytes(mutation(whole, rng))
        began = time.process_time()
        # the real system's, but for the waiting
        with in_place(_WatchedDisk()), _watched(self._work) as strays:
            try:
                target.use(self._work)
            except CharRNNError:
                tally.refused += 1
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001  whatever it is, it is the finding
                tally.failures.append(f"{name}, seed {seed}: {_told(error)}")
        seconds = time.process_time() - began
        tally.cases += 1
        tally.slowest = max(tally.slowest, seconds)
        if seconds > TIME_LIMIT:
            tally.failures.append(f"{name}, seed {seed}: took {seconds:.1f} s")
        tally.failures += [f"{name}, seed {seed}: changed {stray}" for stray in strays]
        if not target.writes:
            path.unlink()
            path.write_bytes(whole)

    def _make_work(self, *, anew: bool) -> None:
        if anew or not self._work.exists():
            shutil.rmtree(self._work, ignore_errors=True)
            shutil.copytree(self._original, self._work)


class _Watch:
    """Notes what is changed outside a folder while it is on."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.strays: list[str] = []
        self.opened_in: int | None = None
        """Descriptor of the folder in which something is being opened, which the event lacks."""
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.folder is None:
            return
        if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            flags = arguments[2]
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC):
                self._check(event, arguments[0], self.opened_in)
        elif event in _CHANGES:
            for number, folder in _CHANGES[event]:
                path = arguments[number]
                if not isinstance(path, int):  # an open file was looked at when it was opened
                    self._check(event, path, None if folder is None else arguments[folder])

    def _check(self, event: str, path: Any, folder: int | None) -> None:
        above = "" if folder in {None, -1} else Path(f"/proc/self/fd/{folder}").readlink()
        place = Path(os.path.realpath(Path(above, os.fsdecode(path))))
        assert self.folder is not None
        if not place.is_relative_to(self.folder) and place != Path(os.devnull):
            self.strays.append(f"{event} {place}")


_WATCH: Final[list[_Watch]] = []
"""The one of this process: such a hook cannot be taken away."""


class _WatchedDisk(FaultyDisk):
    """Tells the watch in which folder a file is opened."""

    def open(self, path: Path, flags: int, folder: int | None = None) -> int:
        _WATCH[0].opened_in = folder
        try:
            return super().open(path, flags, folder)
        finally:
            _WATCH[0].opened_in = None


@contextmanager
def _watched(folder: Path) -> Iterator[list[str]]:
    if not _WATCH:
        _WATCH.append(_Watch())
    watch = _WATCH[0]
    watch.strays, watch.folder = [], Path(os.path.realpath(folder))
    try:
        yield watch.strays
    finally:
        watch.folder = None


def _told(error: BaseException) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    ours = [
        each for each in traceback.extract_tb(error.__traceback__) if "tui_charrnn" in each.filename
    ]
    last = ours[-1] if ours else place
    return f"{type(error).__name__}: {str(error)[:200]} ({Path(last.filename).name}:{last.lineno})"
