"""What becomes of a run when the app is left, and what is said of it on the terminal."""

from tui_charrnn.errors import CharRNNError
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.safe_text import safe_line
from tui_charrnn.viewing.run_words import command_words


def leave_run(run: RunDirectory) -> str:
    """Let it train, and say how to come back to it and how to stop it."""
    return (
        f"{safe_line(run.name)} goes on training. Come back: {command_words('attach', run)} · "
        f"stop it: {command_words('stop', run)}"
    )


def stop_run(run: RunDirectory) -> str:
    """Ask its trainer to save and stop, and say how to go on with it."""
    name = safe_line(run.name)
    try:
        send_request(run, "stop")
    except CharRNNError as error:
        return f"{name} could not be asked to stop: {safe_line(str(error))}"
    return f"{name} saves and stops. Go on: {command_words('resume', run)}"
