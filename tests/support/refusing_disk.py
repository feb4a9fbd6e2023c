"""Files that the system refuses, however they are asked for: a dying disk, or somebody else's."""

import builtins
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def refuse_all(patch: pytest.MonkeyPatch, folder: Path, code: int, *, only_inside: bool) -> None:
    """Let every look at a folder, and at what is in it, fail.

    Args:
        patch: Undoes it.
        folder: Which one.
        code: What the system says.
        only_inside: Whether the folder itself can be looked at, but nothing in it.
    """

    def is_refused(path: object) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        given = Path(os.fsdecode(path))
        return folder in given.parents or (given == folder and not only_inside)

    def guarded(operation: Callable[..., Any]) -> Callable[..., Any]:
        def look(path: object = ".", *arguments: Any, **options: Any) -> Any:
            if is_refused(path):
                raise OSError(code, os.strerror(code), str(path))
            return operation(path, *arguments, **options)

        return look

    for name in ("stat", "lstat", "open", "listdir", "scandir", "readlink"):
        patch.setattr(os, name, guarded(getattr(os, name)))
    opening = guarded(io.open)
    patch.setattr(io, "open", opening)
    patch.setattr(builtins, "open", opening)
