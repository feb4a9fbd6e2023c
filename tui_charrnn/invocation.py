"""How this program is called here, for the commands that it suggests."""

import os
import shlex
import shutil
import sys
from pathlib import Path

PROGRAM = "charrnn-tui"
COMPLETION = "_CHARRNN_TUI_COMPLETE"
"""Set by a shell that completes a command line, which is not among the arguments then."""


def command(*words: str) -> str:
    """A command line of this program that can be typed as it stands.

    `charrnn-tui` where the shell finds it; or else the path that it was started by, as
    `.venv/bin/charrnn-tui` in a checkout.
    """
    return shlex.join([_program(), *words])


def _program() -> str:
    called = Path(sys.argv[0] if sys.argv else "")
    if called.name != PROGRAM or shutil.which(PROGRAM):
        return PROGRAM
    path = called.absolute()
    try:
        relative = path.relative_to(Path.cwd())
    except (OSError, ValueError):  # elsewhere, or the folder is gone
        return str(path)
    return str(relative) if relative.parent != Path() else os.path.join(".", relative)  # noqa: PTH118  Path drops the dot
