"""Runs processes that load TensorFlow: to examine how it computes here, and to convert files."""

import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tui_charrnn.durations import format_duration
from tui_charrnn.errors import CharRNNError, ExitCode, RunError, reason_of
from tui_charrnn.training.trial_facts import (
    Examination,
    decode_result,
    start_task,
    task_command,
)

TIMEOUT: Final = 600.0
"""Seconds to wait for TensorFlow: it may load for minutes from a slow network disk, and compile for
minutes on a GPU that its package contains no code for."""
_LOG_LINE: Final = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: |WARNING: All log messages)|[IWEF]\d{4} \d\d:"
)
"""Start of the log lines of TensorFlow's C++ code."""
_GPU_TROUBLE: Final = re.compile(r"dlopen|cuInit|libcud|libnv|kernel driver|cuDNN", re.IGNORECASE)
_EXPLANATIONS: Final[dict[int, str]] = {
    signal.SIGILL: "the processor lacks instructions (AVX) that TensorFlow is built with",
    signal.SIGKILL: "too little memory is a common reason",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of the examining process."""

    examination: Examination | None = None
    failure: str = ""
    """Why there is no examination, in one or two sentences; empty if there is one."""
    gpu_trouble: str = ""
    """The first line that TensorFlow logged about a GPU that it cannot use; empty without one."""


def ask(command: Sequence[str], timeout: float = TIMEOUT) -> Answer:
    """Run the process of a task `examine`, at most `timeout` seconds; return its result."""
    try:
        ended = _run(command, log_level=1, timeout=timeout)  # with warnings: what a GPU lacks
    except OSError as error:
        return Answer(failure=f"{command[0]} cannot be started: {reason_of(error)}.")
    except subprocess.TimeoutExpired as late:
        waited = format_duration(timeout)
        line = explaining_line((late.stderr or b"").decode("utf-8", "replace"))  # is not decoded
        return Answer(
            failure=f"TensorFlow was not ready after {waited} and was stopped{_quoted(line)}. A "
            "slow disk, such as a network disk, is a common reason; try again."
        )
    if ended.returncode:
        return Answer(failure=_explain_end(ended.returncode, explaining_line(ended.stderr)))
    try:
        examination = decode_result(Examination, ended.stdout)
    except ValueError as error:
        line = str(error).rstrip(".")
        return Answer(failure=f"The process that loads TensorFlow gave no usable answer: {line}.")
    return Answer(examination, gpu_trouble=_find_gpu_trouble(ended.stderr))


def explaining_line(errors: str) -> str:
    """Return the last line of standard error that is no TensorFlow log line.

    If all lines are log lines, return the last of them; without lines, an empty string.
    """
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    plain = [line for line in lines if not _LOG_LINE.match(line)]
    return next(reversed(plain or lines), "")


def describe_kill(number: int) -> str:
    """Describe the signal that ended a process, as `killed by SIGSEGV (segmentation fault)`."""
    names = {each.value: each.name for each in signal.Signals}
    reason = _EXPLANATIONS.get(number) or (signal.strsignal(number) or "unknown").lower()
    return f"killed by {names.get(number, f'signal {number}')} ({reason})"


def _explain_end(code: int, line: str) -> str:
    """Explain why a process that loads TensorFlow failed, by its exit code and last line."""
    if code < 0:
        return f"TensorFlow's process was {describe_kill(-code)}{_quoted(line)}."
    if "No module named 'tensorflow'" in line or "No module named 'keras'" in line:
        where = f"TensorFlow is not installed for {sys.executable}"
        return f"{where}: in the checkout, pip install --editable ."
    return (
        f"TensorFlow cannot be used (exit code {code}){_quoted(line)}. If its installation is "
        "damaged: pip install --force-reinstall tensorflow"
    )


def _quoted(line: str) -> str:
    return f'; it reported "{line}"' if line else ""


def _find_gpu_trouble(errors: str) -> str:
    """Return the first log line about a GPU, without its position in TensorFlow's source."""
    for line in errors.splitlines():
        if _LOG_LINE.match(line) and _GPU_TROUBLE.search(line):
            return line.partition("] ")[2].strip() or line.strip()
    return ""


def convert(kind: Literal["keras", "tensorboard"], source: Path, target: Path) -> None:
    """Convert a model file to a file of Keras, or a run to a folder for TensorBoard.

    Raises:
        CharRNNError: If the conversion fails; its exit code is that of the cause.
    """
    paths = str(source.absolute()), str(target.absolute())
    ended = _run(task_command(kind, *paths), log_level=3)
    if not ended.returncode:
        return
    line = explaining_line(ended.stderr)
    if ended.returncode not in {ExitCode.USAGE, ExitCode.DATA, ExitCode.CANNOT_SAVE}:
        raise RunError(_explain_end(ended.returncode, line))
    error = CharRNNError(line)
    error.exit_code = ExitCode(ended.returncode)
    raise error


def _run(
    command: Sequence[str], *, log_level: int, timeout: float | None = None
) -> "subprocess.CompletedProcess[str]":
    with start_task(command, log_level=log_level) as process:
        try:
            output, errors = process.communicate(timeout=timeout)
        finally:
            process.kill()  # has no effect once it has ended
    return subprocess.CompletedProcess(command, process.returncode, output, errors)
