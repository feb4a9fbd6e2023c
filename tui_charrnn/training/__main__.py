"""`python -m tui_charrnn.training RUN`: the trainer's process.

The app and the command line start it by this name, in a session of its own, with its output on
RUN/trainer.log.
"""

import argparse
import os
import sys
from pathlib import Path

from tui_charrnn.durations import parse_duration
from tui_charrnn.errors import CharRNNError, ExitCode
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.training.interruption import Interruption


def main(arguments: list[str] | None = None) -> int:
    """Train the run that is named on the command line; the result is the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tui_charrnn.training", description="Train a run directory."
    )
    parser.add_argument("run", type=Path, help="the run directory")
    parser.add_argument("--max-time", help="save and leave with exit code 75 after this long")
    parser.add_argument("--force", action="store_true", help="go on with a corpus that has changed")
    parsed = parser.parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    interruption = Interruption()
    interruption.listen()
    # deferred: a signal that comes while NumPy is loaded is not to be lost
    from tui_charrnn.training.worker import run_training  # noqa: PLC0415  deferred, see above

    try:
        max_time = parse_duration(parsed.max_time) if parsed.max_time else None
        run = RunDirectory(parsed.run)
        return int(run_training(run, interruption, max_time, accepts_change=parsed.force))
    except CharRNNError as error:
        print(f"charrnn-tui: {error}", file=sys.stderr)  # noqa: T201  the log, not a terminal
        return int(error.exit_code)
    except KeyboardInterrupt:  # the second Ctrl-C, before the run was taken up
        return int(ExitCode.INTERRUPTED)
    finally:
        interruption.conclude()


if __name__ == "__main__":
    sys.exit(main())
