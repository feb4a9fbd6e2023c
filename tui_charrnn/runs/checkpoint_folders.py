"""Which checkpoints there are, and which of them are whole."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tui_charrnn.runs.file_system import is_missing
from tui_charrnn.runs.layout import CheckpointDirectory, RunDirectory
from tui_charrnn.runs.manifest import FOLDER_NAME, is_whole, read_pointer
from tui_charrnn.runs.opened_file import names_in


def checkpoint_folders(run: RunDirectory, *, must_read: bool = False) -> list[tuple[int, Path]]:
    """The folders of checkpoints and their steps, newest first, whole or not.

    One that was replaced by another of the same step comes after it.

    Args:
        run: Where they lie.
        must_read: Do not take a folder that cannot be read for an empty one.

    Raises:
        OSError: If it must be read and cannot be.
    """
    try:
        names = names_in(run.checkpoints, inside=run.path)
    except OSError as error:
        if must_read and not is_missing(error):
            raise
        return []
    paths = [run.checkpoints / name for name in names if FOLDER_NAME.fullmatch(name)]
    found = [(int(path.name[5:].partition(".")[0]), path) for path in paths]
    return sorted(found, key=lambda item: (-item[0], item[1].name))


def whole_checkpoints(
    run: RunDirectory, *, model_only: bool, before: int | None = None, must_read: bool = False
) -> Iterator[CheckpointDirectory]:
    """Whole checkpoints: the latest, then older ones; if it is not known which, the newest first.

    Args:
        run: Where to look.
        model_only: Pass over what only resuming needs.
        before: Pass over checkpoints of this step and later ones.
        must_read: Do not take what cannot be read for damaged.

    Raises:
        OSError: If something must be read and cannot be.
    """
    with _naming(run.latest):
        latest = read_pointer(run, run.latest, must_read=must_read)
    limits = [latest.step] if latest else []
    limits += [] if before is None else [before - 1]
    for step, path in checkpoint_folders(run, must_read=must_read):
        if all(step <= limit for limit in limits):
            checkpoint = CheckpointDirectory(path)
            with _naming(path):
                is_good = is_whole(checkpoint, model_only=model_only, must_read=must_read)
            if is_good:
                yield checkpoint


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Let an error of the system say which checkpoint it is about, whatever failed.

    Raises:
        OSError: With the path.
    """
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
