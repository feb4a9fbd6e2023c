"""A training on a disk that is really full for a while, in a process of its own.

    python -m tests.support.small_disk tmpfs FOLDER     # mounts one there; needs a mount namespace
    python -m tests.support.small_disk limit FOLDER     # files may not grow beyond some kilobytes

The disk is full after step 6 and has room again after step 16. What the run told by then is printed
as one JSON document.
"""

import contextlib
import json
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tests.support.full_disk import after_batches
from tests.support.numpy_trainer import TRAINING, numpy_training
from tests.support.survival import assert_opens, series_of, small_run, train
from tui_charrnn.runs.file_system import FileSystem, in_place
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_status

TRAINING_HERE: Final = replace(TRAINING, steps=24)
NO_MOUNT: Final = 77
"""Exit code where nothing can be mounted."""


def main(kind: str, folder: Path) -> int:
    """Train a run in a folder."""
    if kind == "tmpfs":
        command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            return NO_MOUNT
        is_full = _Ballast(folder / "ballast").fill
    else:
        is_full = _limit_files
    with numpy_training(patience=50.0), in_place(FileSystem()):
        run = small_run(folder, TRAINING_HERE)
        told: dict[str, Any] = {"degraded": {}, "saved": {}}

        def look(step: int) -> None:
            status = read_status(run)
            told["degraded"][step] = status.degraded if status else "unreadable"
            told["saved"][step] = assert_opens(run)
            if step in {6, 16}:
                is_full(step == 6)

        with after_batches(look):
            told["code"] = int(train(run))
        told["series"] = _listed(run)
        status = read_status(run)
        told["last"] = [status.degraded, status.step, status.state] if status else []
    print(json.dumps(told))  # noqa: T201  what it is for
    return 0


def _listed(run: RunDirectory) -> list[Any]:
    return sorted([*key, *value] for key, value in series_of(run).items())


def _limit_files(is_full: bool) -> None:
    """Let files become no longer than a status is: a checkpoint has longer ones."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_300 if is_full else hard, hard))


class _Ballast:
    """A file that takes all the room that a disk has."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def fill(self, is_full: bool) -> None:
        """Take all room, or give it back."""
        if not is_full:
            self._path.unlink()
            return
        # until it is full
        with contextlib.suppress(OSError), self._path.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
