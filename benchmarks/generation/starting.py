"""Seconds from the start of a process to its first character on standard output."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks.bytecode import kept_bytecode
from benchmarks.rounds import mirrored
from tui_charrnn.errors import RunError

GENERATE: Final = (sys.executable, "-m", "tui_charrnn", "generate", "--rng-seed", "1", "-n", "500")
IMPORT_NUMPY: Final = (sys.executable, "-c", "import numpy; print()")


def seconds_to_output(
    command: Sequence[str], environment: Mapping[str, str] | None = None
) -> float:
    """How long a command takes to write its first byte.

    Args:
        command: The program and its arguments.
        environment: Variables beside those of this process.

    Raises:
        RunError: If it ends without one.
    """
    began = time.perf_counter()
    variables = {**os.environ, **(environment or {})}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=variables) as process:
        first = process.stdout.read(1) if process.stdout else b""
        took = time.perf_counter() - began
        process.kill()
    if not first:
        raise RunError(f"Nothing was written by: {' '.join(command)}")
    return took


def measure_starts(rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of `generate` and of importing NumPy, one of each a round, in turns.

    One start of each comes before that does not count.
    """
    spans: dict[Sequence[str], list[float]] = {GENERATE: [], IMPORT_NUMPY: []}
    with kept_bytecode() as environment:
        for command in spans:
            seconds_to_output(command, environment)
        for number in range(rounds):
            for command in mirrored(GENERATE, IMPORT_NUMPY, number):
                spans[command].append(seconds_to_output(command, environment))
    return spans[GENERATE], spans[IMPORT_NUMPY]
