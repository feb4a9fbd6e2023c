"""Turns whatever becomes of an invocation into a sentence and an exit code."""

from collections.abc import Callable

from tui_charrnn.cli.output import discard_output, narrate
from tui_charrnn.errors import CharRNNError, ExitCode


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
        narrate(f"charrnn-tui: {error}")
        return int(error.exit_code)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # Typer's own answer to it is 1
            discard_output()
            return int(ExitCode.OK)
        return end.code if isinstance(end.code, int) else int(ExitCode.UNEXPECTED)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001  the last line of defense: logged, told, exit 1
        # deferred: needed by a defect only
        from tui_charrnn.crash import report_crash, state_folder  # noqa: PLC0415  deferred

        narrate(*report_crash(error, state_folder()).splitlines())
        return int(ExitCode.UNEXPECTED)
