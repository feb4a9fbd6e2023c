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
    parser.add_argument("run", type=Path, nargs="?", help="the run directory")
    parser.add_argument("--max-time", help="save and leave with exit code 75 after this long")
    parser.add_argument(
        "--force", action="store_true", help="resume with a corpus that has changed"
    )
    parser.add_argument("--devices", help="how many GPUs to take, or `all`")
    parser.add_argument("--joint", help="with which processes it trains; without a run, takes part")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Train the run that is named on the command line; the result is the exit code."""
    parsed = trainer_options().parse_args(arguments)
    os.environ.update(LIBRARY_VARIABLES)  # also where it was not `launch_trainer` that started us
    if parsed.run is None and "TF_CPP_MIN_LOG_LEVEL" not in os.environ:
        _silence_native_code()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    # What NumPy multiplies is divided among threads of our own; those of its own wait by spinning,
    # which takes minutes instead of seconds beside other work.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    interruption = Interruption()
    interruption.listen()
    # deferred: a signal that comes while NumPy is loaded is not to be lost
    from tui_charrnn.training.distributed.placement import (  # noqa: PLC0415  deferred, as said
        JointTask,
        parse_devices,
    )
    from tui_charrnn.training.distributed.roles import take_part  # noqa: PLC0415  deferred, as said
    from tui_charrnn.training.worker import run_training  # noqa: PLC0415  deferred, as said

    try:
        max_time = parse_duration(parsed.max_time) if parsed.max_time else None
        task = None if parsed.joint is None else JointTask.from_json(parsed.joint)
        if parsed.run is None:
            if task is None:
                trainer_options().error("a run or --joint is needed")
            return int(take_part(task, interruption, max_time))
        return int(
            run_training(
                RunDirectory(parsed.run),
                interruption,
                max_time,
                accepts_change=parsed.force,
                devices=parse_devices(parsed.devices),
                task=task,
            )
        )
    except CharRNNError as error:
        with contextlib.suppress(OSError):  # the log may lie on a full disk
            print(f"charrnn-tui: {error}", file=sys.stderr)  # noqa: T201  the log, no terminal
        return int(error.exit_code)
    except KeyboardInterrupt:  # the second Ctrl-C, before the run was locked or after its end
        return int(ExitCode.INTERRUPTED)
    finally:
        interruption.conclude()


def _silence_native_code() -> None:
    """Keep TensorFlow's own lines off standard error, where there is no log that takes them."""
    sys.stderr = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def end_process(code: int) -> NoReturn:
    """End at once, although native code may still compute or wait.

    Python would wait for its threads, and so for a step of which nobody wants the result;
    TensorFlow, for processes that may be gone.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # the log may lie on a full disk
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    end_process(main())
