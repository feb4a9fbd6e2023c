"""What it costs to look inside: finding neurons in a megabyte of text, and the x-ray of a stream.

Usage: python -m benchmarks.lens_speed [--sizes 304,512] [--rounds 5] [--json FILE]
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.command_line import (
    measure_in_child,
    narrate,
    parse_numbers,
    run_command,
    write_json,
)
from benchmarks.machine import describe_machine, warn_unless_quiet
from benchmarks.rounds import Bar, Spread, median_ratio
from benchmarks.tables import markdown_table
from tui_charrnn.errors import ConfigError

MEGABYTE: Final = 1_000_000
"""Characters that the bar is set for; of one byte each."""
BAR: Final = Bar(30.0, is_upper=True)
"""Seconds of one core that the neuron finder takes for a megabyte at `BAR_SIZE`."""
BAR_SIZE: Final = 512
WATCHED_BAR: Final = Bar(0.5)
"""What the speed of a watched stream / that of the stream alone has to reach."""

Seconds = Mapping[str, Mapping[str, Sequence[float]]]
"""By contender: `seconds` for a character in every round, and `core_seconds`, in which a core was
at work on it, which says more on a busy machine."""


def lens_report(results: Mapping[int, Seconds]) -> str:
    """The table: seconds for a megabyte by hidden size, and those of a core beside the others'.

    Args:
        results: What was measured, by hidden size.
    """
    rows = []
    for size, seconds in results.items():
        core = {name: kinds["core_seconds"] for name, kinds in seconds.items()}
        needed = [MEGABYTE * value for value in core["neurons"]]
        median = Spread.of(needed).median
        watched = median_ratio(core["generating"], core["watched"])
        rows.append([
            f"{size:,}",
            _spread([MEGABYTE * value for value in seconds["neurons"]["seconds"]]),
            _spread(needed),
            BAR.verdict(median) if size == BAR_SIZE else "",
            f"{median_ratio(core['neurons'], core['scoring']):.2f}",
            f"{watched:.2f} {WATCHED_BAR.verdict(watched)}",
        ])
    header = [
        "H",
        "seconds for 1 MB",
        "of a core",
        f"bar below {BAR.limit:g}",
        "neurons / scoring",
        f"speed watched / alone (bar {WATCHED_BAR.limit:g})",
    ]
    return markdown_table(header, rows)


def _spread(values: Sequence[float]) -> str:
    spread = Spread.of(values)
    return f"{spread.median:.1f} ({spread.minimum:.1f} to {spread.maximum:.1f})"


def measure(size: int, rounds: int, characters: int) -> Seconds:
    """The seconds at one hidden size.

    Raises:
        RunError: If the process that measures fails.
    """
    seconds: Seconds = measure_in_child("lens_rounds", size, rounds, characters)
    return seconds


def compare(options: argparse.Namespace) -> None:
    """Measure, print the table and write the file.

    Raises:
        ConfigError: If an option is not allowed.
        RunError: If a measurement fails.
    """
    sizes = parse_numbers(options.sizes, "--sizes")
    for name in ("rounds", "characters"):
        if getattr(options, name) < 1:
            raise ConfigError(f"{name} must be at least 1. Received: {getattr(options, name)}")
    warn_unless_quiet()
    machine = describe_machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()) + "\n")
    results = {}
    for size in sizes:
        narrate(f"H {size}: {options.rounds} rounds")
        results[size] = measure(size, options.rounds, options.characters)
    print(lens_report(results))
    write_json(
        options.json, {"machine": machine, "characters": options.characters, "sizes": results}
    )


def main() -> int:
    """The command; the result is the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lens_speed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measurements here")
    parser.add_argument("--sizes", default="304,512", help="default: 304,512")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument(
        "--characters", type=int, default=MEGABYTE, help=f"of a round; default: {MEGABYTE}"
    )
    options = parser.parse_args()
    return run_command(lambda: compare(options))


if __name__ == "__main__":
    sys.exit(main())
