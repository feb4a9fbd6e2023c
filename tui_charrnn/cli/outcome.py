"""Turns whatever becomes of an invocation into a sentence and an exit code."""

from collections.abc import Callable
from pathlib import Path

from tui_charrnn.cli.output import discard_output, narrate, refused_output
from tui_charrnn.errors import CharRNNError, ExitCode
from tui_charrnn.settings import SettingError


def exit_code_of(work: Callable[[], int | None]) -> int:
    """Do the work of an invocation.

    A reader of standard output that has had enough, as `head` has, is no error: the exit code is 0,
    also where `set -o pipefail` is in force.

    Args:
        work: Returns its exit code, or none for 0, or raises.
    """
    try:
        return work() or int(ExitCode.OK)
    except CharRNNError as error:
        words = error.as_options() if isinstance(error, SettingError) else str(error)
        narrate(f"charrnn-tui: {words}")
        return int(error.exit_code)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # Typer's own answer to it is 1
            discard_output()
            return int(ExitCode.OK)
        return end.code if isinstance(end.code, int) else int(ExitCode.UNEXPECTED)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001  the last line of defense: logged, told, exit 1
        return int(_after_defect(error))


def _after_defect(error: Exception) -> ExitCode:
    """Tell of an exception that nobody expected, or that has a plain reason after all."""
    if isinstance(error, OSError) and _is_of_echo(error):
        discard_output()
        narrate(f"charrnn-tui: {refused_output(error)}")
        return ExitCode.CANNOT_SAVE
    if isinstance(error, FileNotFoundError) and _is_folder_gone():
        narrate("charrnn-tui: This folder is gone: it was removed or moved. Go to another one.")
        return ExitCode.DATA
    # deferred: needed by a defect only
    from tui_charrnn.crash import report_crash  # noqa: PLC0415  deferred
    from tui_charrnn.user_folders import state_folder  # noqa: PLC0415  deferred

    narrate(*report_crash(error, state_folder()).splitlines())
    return ExitCode.UNEXPECTED


def _is_folder_gone() -> bool:
    """Whether relative paths lead nowhere, as somebody removed the folder that this is run in."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _is_of_echo(error: Exception) -> bool:
    """Whether it was raised where Typer prints the help, or what completes a line."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place is not None and place.tb_frame.f_code.co_name == "echo"
