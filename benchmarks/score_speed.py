"""Characters per second of scoring: one stream, and streams side by side, beside generation.

Usage: python -m benchmarks.score_speed [--sizes 304,512,1024] [--rounds 5] [--json FILE]
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

BAR: Final = Bar(10.0)
"""What side by side / generating has to reach."""
INT8_BAR: Final = Bar(1.5)
"""What in int8 / side by side has to reach."""
_WORK: Final = 1 << 37
"""Characters of a round times the square of the hidden size: a round takes alike at all sizes."""
_LEAST: Final = 1 << 17
"""Characters of a round at least."""

Rates = Mapping[str, Mapping[str, Sequence[float]]]
"""By contender: `rates`, characters per second of every round, and `core_rates`, per second that a
core was at work, which says more on a busy machine."""


def score_report(results: Mapping[int, Rates]) -> str:
    """The table: rates by hidden size, and what side by side gains, at all and on each core.

    Args:
        results: What was measured, by hidden size.
    """
    names = list(next(iter(results.values())))
    rows = []
    for size, rates in results.items():
        gains = [
            median_ratio(rates["side by side"][kind], rates["generating"][kind])
            for kind in ("rates", "core_rates")
        ]
        rounded = median_ratio(rates["in int8"]["rates"], rates["side by side"]["rates"])
        rows.append([
            f"{size:,}",
            *(_spread(rates[name]["rates"]) for name in names),
            f"{gains[0]:.1f} {BAR.verdict(gains[0])}",
            f"{gains[1]:.1f}",
            f"{rounded:.2f} {INT8_BAR.verdict(rounded)}",
        ])
    columns = [f"gain (bar {BAR.limit:g})", "gain a core", f"int8 (bar {INT8_BAR.limit:g})"]
    return markdown_table(["H", *names, *columns], rows)


def _spread(rates: Sequence[float]) -> str:
    spread = Spread.of(rates)
    return f"{spread.median:,.0f} ({spread.minimum:,.0f} to {spread.maximum:,.0f})"


def measure(size: int, rounds: int) -> Rates:
    """The rates at one hidden size.

    Raises:
        RunError: If the process that measures fails.
    """
    characters = max(_LEAST, _WORK // size**2)
    rates: Rates = measure_in_child("score_rounds", size, rounds, characters)
    return rates


def compare(options: argparse.Namespace) -> None:
    """Measure, print the table and write the file.

    Raises:
        ConfigError: If an option is not allowed.
        RunError: If a measurement fails.
    """
    sizes = parse_numbers(options.sizes, "--sizes")
    if options.rounds < 1:
        raise ConfigError(f"There must be at least 1 round. Received: {options.rounds}")
    warn_unless_quiet()
    machine = describe_machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()) + "\n")
    results = {}
    for size in sizes:
        narrate(f"H {size}: {options.rounds} rounds")
        results[size] = measure(size, options.rounds)
    print(score_report(results))
    write_json(options.json, {"machine": machine, "sizes": results})


def main() -> int:
    """The command; the result is the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.score_speed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measurements here")
    parser.add_argument("--sizes", default="304,512,1024", help="default: 304,512,1024")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    options = parser.parse_args()
    return run_command(lambda: compare(options))


if __name__ == "__main__":
    sys.exit(main())
