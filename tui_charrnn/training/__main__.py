"""`python -m tui_charrnn.training RUN`: the trainer's process.

The app and the command line start it by this name, in a session of its own, with its output on
RUN/trainer.log.
"""

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import NoReturn

from tui_charrnn.durations import parse_duration
from tui_charrnn.errors import CharRNNError, ExitCode
from tui_charrnn.runs.launcher import LIBRARY_VARIABLES
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.training.interruption import Interruption


def trainer_options() -> argparse.ArgumentParser:
    """The command line of a trainer."""
    parser = argparse.ArgumentParser(
        prog="python -m tui_charrnn.training", description="Train a run directory."
    )
    parser.add_argument("run", type=Path, help="the run directory")
    parser.add_argument("--max-time", help="save and leave with exit code 75 after this long")
    parser.add_argument("--force", action="store_true", help="go on with a corpus that has changed")
    parser.add_argument("--devices", help="how many GPUs to take, or `all`")
    parser.add_argument("--cluster", help="addresses of all processes that train together")
    parser.add_argument("--rank", type=int, help="which of them this one is")
    parser.add_argument("--meet-within", type=float, help="seconds to wait for the others")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Train the run that is named on the command line; the result is the exit code."""
    parsed = trainer_options().parse_args(arguments)
    os.environ.update(LIBRARY_VARIABLES)  # also where it was not `launch_trainer` that started us
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    interruption = Interruption()
    interruption.listen()
    # deferred: a signal that comes while NumPy is loaded is not to be lost
    from tui_charrnn.training.placement import placement_from  # noqa: PLC0415  deferred, as said
    from tui_charrnn.training.worker import run_training  # noqa: PLC0415  deferred, see above

    try:
        max_time = parse_duration(parsed.max_time) if parsed.max_time else None
        run = RunDirectory(parsed.run)
        placement = placement_from(parsed.cluster, parsed.rank, parsed.devices, parsed.meet_within)
        return int(
            run_training(
                run, interruption, max_time, accepts_change=parsed.force, placement=placement
            )
        )
    except CharRNNError as error:
        with contextlib.suppress(OSError):  # the log may lie on a full disk
            print(f"charrnn-tui: {error}", file=sys.stderr)  # noqa: T201  the log, no terminal
        return int(error.exit_code)
    except KeyboardInterrupt:  # the second Ctrl-C, before the run was taken up or after its end
        return int(ExitCode.INTERRUPTED)
    finally:
        interruption.conclude()


def end_process(code: int) -> NoReturn:
    """End at once, whatever native code still computes or waits for.

    Python would wait for its threads, and so for a step of which nobody wants the result;
    TensorFlow, for processes that may be gone.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # the log may lie on a full disk
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    end_process(main())
