"""The file that a typed path names."""

import os
from pathlib import Path

from tui_charrnn.errors import DataError


def find_file(text: str, name: str) -> Path:
    """The absolute path of a regular file that a text names.

    Args:
        text: As it was given.
        name: What to call it in a refusal.

    Raises:
        DataError: If there is no such file, or it cannot be looked at.
    """
    try:
        path = Path(text).expanduser().absolute()
        os.fsencode(path)
        if path.is_file():
            return path
        problem = (
            f"{path} is a folder, and no file" if path.is_dir() else f"there is no file {path}"
        )
    except OSError as error:
        problem = error.strerror or str(error)
    except (RuntimeError, ValueError) as error:
        problem = str(error)
    raise DataError(f"{name} cannot be read: {problem}.")
