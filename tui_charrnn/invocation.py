"""The command lines that the program suggests to its user."""

import os
import shlex
import shutil
import sys
from pathlib import Path

PROGRAM = "charrnn-tui"
COMPLETION = "_CHARRNN_TUI_COMPLETE"
"""Environment variable by which a shell asks for completions of a command line."""


def command(*words: str) -> str:
    """A command line of this program, ready to be typed.

    It begins with `charrnn-tui` if the shell finds that, else with the path that the program was
    started by, such as `.venv/bin/charrnn-tui` in a checkout.
    """
    return shlex.join([_program(), *words])


def _program() -> str:
    called = Path(sys.argv[0] if sys.argv else "")
    if called.name != PROGRAM or shutil.which(PROGRAM):
        return PROGRAM
    path = called.absolute()
    try:
        relative = path.relative_to(Path.cwd())
    except (OSError, ValueError):  # outside the current folder, or that was removed
        return str(path)
    return str(relative) if relative.parent != Path() else os.path.join(".", relative)  # noqa: PTH118  Path drops the dot
