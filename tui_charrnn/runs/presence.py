"""Whether a run is still where it was, so that nobody makes a part of it again."""

from tui_charrnn.errors import StorageError
from tui_charrnn.runs.file_system import explained, file_system
from tui_charrnn.runs.layout import RunDirectory


class RunGoneError(StorageError):
    """The run directory was removed or moved."""


def refuse_gone(run: RunDirectory) -> None:
    """Make sure that there is a folder to write into.

    Raises:
        RunGoneError: If there is none any more.
        StorageError: If that cannot be found out.
    """
    with explained("read", run.path):
        try:
            file_system().look_at(run.path)
        except FileNotFoundError as error:
            raise RunGoneError(
                f"The run {run.path} is gone: its folder was removed or moved. If it was moved, go "
                "on with it where it is now."
            ) from error
