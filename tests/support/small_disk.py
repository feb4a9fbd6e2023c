"""A training on a disk that is really full for a while, in a process of its own.

    python -m tests.support.small_disk tmpfs FOLDER     # mounts one there; needs a mount namespace
    python -m tests.support.small_disk limit FOLDER     # files may not grow beyond some kilobytes
    python -m tests.support.small_disk readonly FOLDER  # mounts one that can then only be read

The disk is full after step 6 and has room again after step 16. What the run told by then is printed
as one JSON document; of a disk that can only be read, what the trainer said, and its exit code.
"""

import contextlib
import json
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tests.support.faulty_disk import in_place
from tests.support.full_disk import after_batches
from tests.support.numpy_trainer import TRAINING, numpy_training
from tests.support.survival import assert_opens, series_of, small_run, stop_at, train
from tui_charrnn.errors import CharRNNError
from tui_charrnn.runs.file_system import FileSystem
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_status

TRAINING_HERE: Final = replace(TRAINING, steps=24)
NO_MOUNT: Final = 77
"""Exit code where nothing can be mounted."""


def main(kind: str, folder: Path) -> int:
    """Train a run in a folder."""
    if kind != "limit" and not _mount("size=1m", folder):
        return NO_MOUNT
    if kind == "readonly":
        return _train_where_nothing_is_written(folder)
    is_full = _limit_files if kind == "limit" else _Ballast(folder / "ballast").fill
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


def _mount(options: str, folder: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _train_where_nothing_is_written(folder: Path) -> int:
    with numpy_training():
        run = small_run(folder)
        stop_at(run, 5)
        files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        if not _mount("remount,ro", folder):
            return NO_MOUNT
        try:
            said, code = "", int(train(run))
        except CharRNNError as error:
            said, code = str(error), int(error.exit_code)
        is_same = all(path.read_bytes() == data for path, data in files.items())
        told = {"said": said, "code": code, "is_same": is_same, "opens": assert_opens(run)}
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
