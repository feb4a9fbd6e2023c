"""`python -m tui_charrnn.training RUN`: the trainer's process.

The app and the command line start it as a separate session, with its output in RUN/trainer.log.
"""

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import NoReturn

from tui_charrnn.errors import CharRNNError, ExitCode
from tui_charrnn.runs.launcher import LIBRARY_VARIABLES
from tui_charrnn.runs.layout import REFUSAL_PREFIX, RunDirectory
from tui_charrnn.training.distributed.placement import JointTask, parse_devices
from tui_charrnn.training.interruption import Interruption


def trainer_options() -> argparse.ArgumentParser:
    """Return the argument parser of a trainer."""
    parser = argparse.ArgumentParser(
        prog="python -m tui_charrnn.training", description="Train a run directory."
    )
    parser.add_argument("run", type=Path, nargs="?", help="the run directory")
    parser.add_argument(
        "--max-time", type=float, help="save and exit with 75 after this many seconds"
    )
    parser.add_argument(
        "--force", action="store_true", help="resume with a corpus that has changed"
    )
    parser.add_argument("--devices", help="how many GPUs to take, or `all`")
    parser.add_argument(
        "--joint", help=("the processes that train together; without a run, join them")
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Train the run named on the command line, and return the exit code."""
    parsed = trainer_options().parse_args(arguments)
    os.environ.update(LIBRARY_VARIABLES)  # not yet set if started without `launch_trainer`
    if parsed.run is None and "TF_CPP_MIN_LOG_LEVEL" not in os.environ:
        _silence_native_code()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    # The program divides NumPy products among its own threads. NumPy's own threads busy-wait, which
    # takes minutes instead of seconds on a loaded machine.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    interruption = Interruption()
    interruption.listen()
    # deferred: signals that arrive while NumPy is loading must not be lost
    from tui_charrnn.training.distributed.roles import take_part  # noqa: PLC0415  see above
    from tui_charrnn.training.worker import run_training  # noqa: PLC0415  see above

    try:
        task = None if parsed.joint is None else JointTask.from_json(parsed.joint)
        if parsed.run is None:
            if task is None:
                trainer_options().error("a run or --joint is needed")
            return int(take_part(task, interruption, parsed.max_time))
        return int(
            run_training(
                RunDirectory(parsed.run),
                interruption,
                parsed.max_time,
                accepts_change=parsed.force,
                devices=parse_devices(parsed.devices),
                task=task,
            )
        )
    except CharRNNError as error:
        with contextlib.suppress(OSError):  # the log's disk may be full
            print(f"{REFUSAL_PREFIX}{error}", file=sys.stderr)  # noqa: T201  the log, no terminal
        return int(error.exit_code)
    except KeyboardInterrupt:  # a second Ctrl-C, before the run was locked or after it ended
        return int(ExitCode.INTERRUPTED)
    finally:
        interruption.conclude()


def _silence_native_code() -> None:
    """Discard TensorFlow's native messages on standard error, as there is no log for them."""
    sys.stderr = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def end_process(code: int) -> NoReturn:
    """End the process immediately, even while native code computes or waits.

    A normal exit would wait for threads, and so for an unneeded training step, and in TensorFlow
    for processes that may have ended.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # the log's disk may be full
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    end_process(main())
