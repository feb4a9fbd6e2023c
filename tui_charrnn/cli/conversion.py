"""Has TensorFlow write what other programs read, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

from tui_charrnn.cli.path_diagnosis import explain_end, last_useful_line
from tui_charrnn.errors import CharRNNError, ExitCode, RunError
from tui_charrnn.runs.launcher import trainer_environment


def convert(kind: str, source: Path, target: Path) -> None:
    """Convert a model file or a run; the kind is as `training.conversion` has it.

    Raises:
        CharRNNError: If it cannot be done; the exit code is that of the cause.
    """
    module = [sys.executable, "-P", "-m", "tui_charrnn.training.conversion"]
    ended = subprocess.run(
        [*module, kind, str(source.absolute()), str(target.absolute())],
        capture_output=True,
        check=False,
        cwd="/",
        env={**trainer_environment(os.environ), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdin=subprocess.DEVNULL,
    )
    if not ended.returncode:
        return
    said = last_useful_line(ended.stderr.decode(errors="backslashreplace"))
    if ended.returncode not in {ExitCode.USAGE, ExitCode.DATA, ExitCode.CANNOT_SAVE}:
        raise RunError(explain_end(ended.returncode, said))
    error = CharRNNError(said)
    error.exit_code = ExitCode(ended.returncode)
    raise error
