"""Notes every use of the user's disk in a thread that must not wait for one: the screen's.

with watched_disk(folder) as uses:
    ...
assert uses == []
"""

import builtins
import io
import os
import sqlite3
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from unittest import mock

_OF_OS: Final = (
    *("stat", "lstat", "open", "scandir", "listdir", "access", "readlink", "getcwd", "chdir"),
    *("mkdir", "rmdir", "rename", "replace", "unlink", "remove", "link", "symlink", "chmod"),
)
_OURS: Final = Path(__file__).parents[2]


@contextmanager
def watched_disk(*folders: Path, thread: int | None = None) -> Iterator[list[str]]:
    """Note each use of files below some folders, or of a relative path, in one thread.

    Args:
        folders: Where the user's files are. The program's own may be read: they are on the disk
            that its modules come from.
        thread: The one that is watched; None is the one that asks.

    Returns:
        For each use what was called with which path, and by which lines of the program.
    """
    uses: list[str] = []
    watched = threading.get_ident() if thread is None else thread
    roots = [folder.resolve() for folder in folders]

    def is_users(path: Any) -> bool:
        if isinstance(path, int):
            return False
        named = Path(os.fsdecode(path))
        return not named.is_absolute() or any(map(named.is_relative_to, roots))

    def noting(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            path = arguments[0] if arguments else "."
            if threading.get_ident() == watched and is_users(path):
                uses.append(f"{name} {path!s:.80} in {_place()}")
            return real(*arguments, **options)

        return call

    with ExitStack() as patches:
        for name in _OF_OS:
            patches.enter_context(mock.patch.object(os, name, noting(name, getattr(os, name))))
        opening = noting("open", builtins.open)
        patches.enter_context(mock.patch.object(builtins, "open", opening))
        patches.enter_context(mock.patch.object(io, "open", opening))
        connecting = noting("sqlite3.connect", sqlite3.connect)
        patches.enter_context(mock.patch.object(sqlite3, "connect", connecting))
        yield uses


def _place() -> str:
    """The lines that led here, the innermost first: of the program, or else of whatever it was."""
    stack = [frame for frame in traceback.extract_stack() if frame.filename != __file__]
    ours = [frame for frame in stack if frame.filename.startswith(str(_OURS / "tui_charrnn"))]
    nearest = reversed((ours or stack)[-4:])
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in nearest)
