"""`charrnn-tui stop`: end a training in good order."""

import time

from tui_charrnn.cli.following import newest_status
from tui_charrnn.cli.options import RunArgument, RunsDir, runs_folder
from tui_charrnn.cli.output import narrate
from tui_charrnn.errors import UnansweredError
from tui_charrnn.runs.catalogue import find_run
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.liveness import Liveness
from tui_charrnn.runs.reader import read_status
from tui_charrnn.viewing.run_words import command_words

STOP_PATIENCE = 60.0  # seconds


def stop(run: RunArgument, runs_dir: RunsDir = None) -> None:
    """Ask a run's trainer to save and stop, and wait for it; exit with 7 if it does not."""
    found = find_run(run, runs_folder(runs_dir))
    status = read_status(found)
    life = Liveness()
    verdict = life.judge(status)
    if status is None or verdict == "ended":
        narrate(f"No trainer is at work on {found.name}.")
        return
    if verdict != "lost":
        send_request(found, "stop")
    deadline = time.monotonic() + STOP_PATIENCE
    while status is not None and (verdict := life.judge(status)) in {"alive", "silent"}:
        if time.monotonic() > deadline:
            raise UnansweredError(
                f"{found.name} has not stopped within {STOP_PATIENCE:g} s; the request waits for "
                "its trainer."
            )
        time.sleep(0.1)
        status = newest_status(found, status)
    if status is not None and verdict == "lost":
        narrate(
            f"The trainer of {found.name} is lost; its checkpoints are kept. "
            f"Go on with: {command_words('resume', found)}"
        )
        return
    narrate(f"{found.name} is {status.state if status else 'gone'}.")
