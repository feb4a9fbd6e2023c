"""Processes of their own that load TensorFlow: to say how it would compute here, and to convert."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.durations import format_duration
from tui_charrnn.errors import CharRNNError, ExitCode, RunError
from tui_charrnn.runs.launcher import trainer_environment
from tui_charrnn.training.trial_facts import (
    Examination,
    TrialSettings,
    decode_result,
    trial_command,
)

TIMEOUT: Final = 600.0
"""Seconds that TensorFlow is given: from a slow network disk it takes minutes to load, and on a GPU
that its package has no code for minutes to compile."""
_LOG_LINE: Final = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: |WARNING: All log messages)|[IWEF]\d{4} \d\d:"
)
"""How lines begin that TensorFlow's C++ writes."""
_GPU_TROUBLE: Final = re.compile(r"dlopen|cuInit|libcud|libnv|kernel driver|cuDNN", re.IGNORECASE)
_EXPLANATIONS: Final = {
    signal.SIGILL: "the processor lacks instructions (AVX) that TensorFlow is built with",
    signal.SIGKILL: "too little memory is a common reason",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking."""

    examination: Examination | None = None
    failure: str = ""
    """Why there is no examination, in a sentence or two; empty if there is one."""
    gpu_trouble: str = ""
    """What TensorFlow said about GPUs that it cannot use."""


def examiner_command(model: ModelConfig, training: TrainingConfig) -> list[str]:
    """The command line of the process that examines."""
    return trial_command("examine", TrialSettings(model, training))


def ask(command: Sequence[str], timeout: float = TIMEOUT) -> Answer:
    """Run the process of `examiner_command` for `timeout` seconds at most."""
    try:
        ended = _run(command, log_level=1, timeout=timeout)  # with warnings: what a GPU lacks
    except OSError as error:
        return Answer(failure=f"{command[0]} cannot be started: {error.strerror}.")
    except subprocess.TimeoutExpired as late:
        waited = format_duration(timeout)
        said = explaining_line(_decoded(late.stderr))
        return Answer(
            failure=f"TensorFlow was not ready after {waited}, and was given up{_quoted(said)}. A "
            "disk that is slow, as over a network, is a common reason; try again."
        )
    errors = _decoded(ended.stderr)
    if ended.returncode:
        return Answer(failure=_explain_end(ended.returncode, explaining_line(errors)))
    try:
        examination = decode_result(Examination, _decoded(ended.stdout))
    except ValueError as error:
        said = str(error).rstrip(".")
        return Answer(failure=f"The process that loads TensorFlow gave no usable answer: {said}.")
    return Answer(examination, gpu_trouble=_find_gpu_trouble(errors))


def explaining_line(errors: str) -> str:
    """The line of a process's standard error that best explains its end; empty if there is none.

    A log line of TensorFlow's is taken only if there is nothing else.
    """
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    plain = [line for line in lines if not _LOG_LINE.match(line)]
    return next(reversed(plain or lines), "")


def _explain_end(code: int, said: str) -> str:
    """Why a process that loads TensorFlow ended, by its exit code and last line."""
    if code < 0:
        number = signal.Signals(-code)
        reason = _EXPLANATIONS.get(number)
        remark = f" ({reason})" if reason else ""
        return f"TensorFlow's process was ended by {number.name}{remark}{_quoted(said)}."
    if "No module named 'tensorflow'" in said or "No module named 'keras'" in said:
        where = f"TensorFlow is not installed for {sys.executable}"
        return f"{where}: in the checkout, pip install --editable ."
    return (
        f"TensorFlow cannot be used (exit code {code}){_quoted(said)}. If its installation is "
        "damaged: pip install --force-reinstall tensorflow"
    )


def _quoted(said: str) -> str:
    return f'; it said "{said}"' if said else ""


def _find_gpu_trouble(errors: str) -> str:
    """The first line about a GPU, without where in TensorFlow it was written."""
    for line in errors.splitlines():
        if _LOG_LINE.match(line) and _GPU_TROUBLE.search(line):
            return line.partition("] ")[2].strip() or line.strip()
    return ""


def _decoded(output: bytes | None) -> str:
    return (output or b"").decode("utf-8", "replace")


def convert(kind: str, source: Path, target: Path) -> None:
    """Convert a model file or a run; the kind is as `training.conversion` has it.

    Raises:
        CharRNNError: If it cannot be done; the exit code is that of the cause.
    """
    # -P: what is imported never depends on the folder that the process runs in
    module = [sys.executable, "-P", "-m", "tui_charrnn.training.conversion"]
    ended = _run([*module, kind, str(source.absolute()), str(target.absolute())], log_level=3)
    if not ended.returncode:
        return
    said = explaining_line(_decoded(ended.stderr))
    if ended.returncode not in {ExitCode.USAGE, ExitCode.DATA, ExitCode.CANNOT_SAVE}:
        raise RunError(_explain_end(ended.returncode, said))
    error = CharRNNError(said)
    error.exit_code = ExitCode(ended.returncode)
    raise error


def _run(
    command: Sequence[str], *, log_level: int, timeout: float | None = None
) -> "subprocess.CompletedProcess[bytes]":
    environment = {**trainer_environment(os.environ), "TF_CPP_MIN_LOG_LEVEL": str(log_level)}
    return subprocess.run(
        command,
        capture_output=True,
        check=False,
        cwd="/",
        env=environment,
        stdin=subprocess.DEVNULL,
        timeout=timeout,
    )
