"""What several workers gain: measured with one and two here, expected of 8, 64 and 512.

Usage: python -m benchmarks.scaling [--sizes 64,64,64,512;64,100,256,1024] [--json FILE]
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from benchmarks.command_line import narrate, run_command, write_json
from benchmarks.machine import describe_machine, warn_unless_quiet
from benchmarks.scale.report import SizeResult, scaling_report
from benchmarks.scale.task import Measured, Task
from benchmarks.speed.sizes import Size
from tests.support.cluster_run import free_addresses
from tui_charrnn.errors import ConfigError, RunError

SIZES: Final = "64,64,64,256;64,64,64,512;64,100,256,1024"
REDUCED: Final = (1 << 16, 1 << 20, 1 << 23, 1 << 25)
"""Bytes of the means that the model is fitted to."""
_PATIENCE: Final = 500.0
"""Seconds for one measurement."""


def measure_workers(size: Size, workers: int, threads: int, steps: int) -> tuple[Measured, ...]:
    """Have so many workers take steps together.

    Raises:
        RunError: If one of them fails.
    """
    addresses = tuple(free_addresses(workers).split(","))
    with tempfile.TemporaryFile() as log:
        processes = [
            subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "benchmarks.scale.worker",
                    Task(size, addresses, rank, threads, steps, REDUCED).to_json(),
                ],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
            for rank in range(workers)
        ]
        try:
            lines = [process.communicate(timeout=_PATIENCE)[0] for process in processes]
        except subprocess.TimeoutExpired as error:
            raise RunError(f"No result within {_PATIENCE:g} seconds for {size.label}.") from error
        finally:
            for process in processes:
                process.kill()
                process.wait()
        if any(process.returncode for process in processes):
            log.seek(0)
            told = log.read().decode("utf-8", "replace")[-1_000:]
            raise RunError(f"A worker of {size.label} has failed: {told}")
    return tuple(Measured.from_json(text.splitlines()[-1]) for text in lines)


def measure_size(size: Size, threads: int, steps: int) -> SizeResult:
    """One worker alone, then two."""
    narrate(f"{size.label}: one worker")
    (alone,) = measure_workers(size, 1, threads, steps)
    narrate(f"{size.label}: two workers")
    together = measure_workers(size, 2, threads, steps)
    if {tuple(each.path.items()) for each in together} != {tuple(alone.path.items())}:
        narrate(f"{size.label}: the workers did not all compute alike: {alone.path}, {together}")
    return SizeResult(size, alone, together)


def _document(results: Sequence[SizeResult], machine: Mapping[str, str]) -> object:
    return {"machine": machine, "results": [asdict(result) for result in results]}


def main() -> int:
    """Measure, fit and print; the result is the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.scaling", description=__doc__)
    parser.add_argument(
        "--sizes",
        default=SIZES,
        help="batch of each worker, sequence, embedding and hidden size; `;` between sizes "
        "(%(default)s)",
    )
    parser.add_argument("--threads", type=int, default=1, help="of each worker (%(default)s)")
    parser.add_argument("--steps", type=int, default=30, help="that are timed (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measurements here")
    options = parser.parse_args()

    def work() -> None:
        if options.threads < 1 or options.steps < 1:
            raise ConfigError(
                "--threads and --steps are at least 1. Received: "
                f"{options.threads} and {options.steps}"
            )
        sizes = [Size.parse(text) for text in options.sizes.split(";")]
        warn_unless_quiet()
        machine = describe_machine()
        results = [measure_size(size, options.threads, options.steps) for size in sizes]
        print(", ".join(f"{name} {value}" for name, value in machine.items()), end="\n\n")
        print(scaling_report(results))
        write_json(options.json, _document(results, machine))

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main())
