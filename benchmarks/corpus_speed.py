"""How fast a large text becomes numbers, in how much memory, and how soon it is there again.

Usage: python -m benchmarks.corpus_speed [--megabytes 1000] [--slice 50] [--rounds 3] [--json FILE]
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from benchmarks.command_line import choose, narrate, run_command, write_json
from benchmarks.costs.corpus_contenders import CONTENDERS
from benchmarks.costs.corpus_texts import KINDS, write_text
from benchmarks.machine import describe_machine, warn_unless_quiet
from benchmarks.rounds import Bar, Spread, rotated
from benchmarks.tables import markdown_table
from tui_charrnn.errors import ConfigError, RunError

RATE_BARS: Final = {"ascii": Bar(150.0), "mixed": Bar(80.0)}
"""Megabytes a second that reading for the first time has to reach on one core."""
MEMORY_BAR: Final = Bar(300.0, is_upper=True)
"""Megabytes that the process may take at most."""
AGAIN_BAR: Final = Bar(1.0, is_upper=True)
"""Seconds after which a text that was read before has to be there."""
_MEGA: Final = 1e6
OURS: Final = "ours"


@dataclass(frozen=True, slots=True)
class Measured:
    """What turning one text into numbers took; `benchmarks.costs.corpus_contenders` measures it."""

    seconds: float
    core_seconds: float
    """In which a core was at work on it, which says more on a busy machine."""
    peak_memory: int
    """Bytes that the process held at most, its interpreter and libraries with them."""
    characters: int
    different: int
    sum: int
    """Of the first indices, to show that all did the same work."""


@dataclass(frozen=True, slots=True)
class KindResult:
    """What was measured on one kind of text."""

    bytes: int
    """Of the whole text."""
    slice_bytes: int
    """Of its beginning, which all contenders read."""
    first: Sequence[Measured]
    """Reading all of it for the first time, by round."""
    again: Sequence[Measured]
    """Reading it again, by round."""
    on_slice: Mapping[str, Sequence[Measured]]
    """By contender, on the beginning only."""


def corpus_report(results: Mapping[str, KindResult]) -> str:
    """The two tables: ours on the whole text, and all contenders on its beginning.

    Args:
        results: What was measured, by kind of text.
    """
    return f"{_whole_table(results)}\n\n{_slice_table(results)}"


def _whole_table(results: Mapping[str, KindResult]) -> str:
    rows = []
    for kind, result in results.items():
        rates = [result.bytes / each.seconds / _MEGA for each in result.first]
        core_rates = [result.bytes / each.core_seconds / _MEGA for each in result.first]
        memory = max(each.peak_memory for each in result.first) / _MEGA
        again = [each.seconds for each in result.again]
        rows.append([
            f"{kind}, {result.bytes / _MEGA:,.0f} MB",
            f"{result.first[0].different:,}",
            _judged(_spread(rates, ".0f"), RATE_BARS[kind], Spread.of(rates).median),
            _spread(core_rates, ".0f"),
            _judged(f"{memory:,.0f}", MEMORY_BAR, memory),
            _judged(_spread(again, ".3f"), AGAIN_BAR, max(again)),
        ])
    header = [
        "text",
        "characters",
        "first time, MB/s",
        "MB a core-second",
        "peak memory, MB",
        "again, seconds",
    ]
    return markdown_table(header, rows)


def _slice_table(results: Mapping[str, KindResult]) -> str:
    rows = []
    for kind, result in results.items():
        for name, measured in result.on_slice.items():
            rates = [result.slice_bytes / each.seconds / _MEGA for each in measured]
            core_rates = [result.slice_bytes / each.core_seconds / _MEGA for each in measured]
            memory = max(each.peak_memory for each in measured) / _MEGA
            rows.append([
                f"{kind}, {result.slice_bytes / _MEGA:,.0f} MB",
                name,
                _spread(rates, ".0f"),
                _spread(core_rates, ".0f"),
                f"{memory:,.0f}",
            ])
    header = ["text", "contender", "MB/s", "MB a core-second", "peak memory, MB"]
    return markdown_table(header, rows)


def _spread(values: Sequence[float], digits: str) -> str:
    spread = Spread.of(values)
    low, high = format(spread.minimum, digits), format(spread.maximum, digits)
    return f"{format(spread.median, digits)} ({low} to {high})"


def _judged(words: str, bar: Bar, value: float) -> str:
    return f"{words}, {bar.verdict(value)}"


def measure_kind(folder: Path, kind: str, options: argparse.Namespace) -> KindResult:
    """Write a text of a kind, let it be read, and remove it.

    Raises:
        RunError: If a contender fails, or does another work than the others.
    """
    whole, start = folder / f"{kind}.txt", folder / f"{kind}-start.txt"
    size, slice_size = int(options.megabytes * _MEGA), int(options.slice * _MEGA)
    narrate(f"{kind}: writing {options.megabytes:g} MB")
    write_text(whole, kind, size)
    write_text(start, kind, min(size, slice_size))
    first, again, on_slice = [], [], {name: list[Measured]() for name in CONTENDERS}
    for number in range(options.rounds):
        narrate(f"{kind}: round {number + 1} of {options.rounds}")
        first.append(_measure(OURS, whole, folder / "cache"))
        again.append(_measure(OURS, whole, folder / "cache"))
        shutil.rmtree(folder / "cache")
        for name in rotated(list(CONTENDERS), number):
            on_slice[name].append(_measure(name, start, folder / "cache"))
            shutil.rmtree(folder / "cache", ignore_errors=True)
    if len({_work(each) for each in [*first, *again]}) > 1:
        raise RunError(f"The {kind} text was read in two ways: {[*first, *again]}")
    if len({_work(each) for measured in on_slice.values() for each in measured}) > 1:
        raise RunError(f"The contenders disagree about the {kind} text: {on_slice}")
    result = KindResult(
        whole.stat().st_size, start.stat().st_size, tuple(first), tuple(again), on_slice
    )
    whole.unlink()
    start.unlink()
    return result


def _work(measured: Measured) -> tuple[int, int, int]:
    return measured.characters, measured.different, measured.sum


def _measure(name: str, path: Path, cache: Path) -> Measured:
    environment = {
        **os.environ,
        "CHARRNN_CACHE": str(cache),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "",
    }
    child = subprocess.run(
        [sys.executable, "-m", "benchmarks.costs.corpus_contenders", name, str(path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if child.returncode:
        raise RunError(f"{name} could not read the text: {child.stderr[-1000:]}")
    return Measured(**json.loads(child.stdout.splitlines()[-1]))


def compare(options: argparse.Namespace) -> None:
    """Measure, print the tables and write the file.

    Raises:
        ConfigError: If an option is not allowed.
        RunError: If a measurement fails.
    """
    kinds = choose(options.kinds, KINDS, "kinds of text")
    if options.rounds < 1 or options.megabytes <= 0 or options.slice <= 0:
        raise ConfigError(
            "--rounds must be at least 1, --megabytes and --slice above 0. Received: "
            f"{options.rounds}, {options.megabytes:g} and {options.slice:g}"
        )
    warn_unless_quiet()
    machine = describe_machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()) + "\n")
    with tempfile.TemporaryDirectory(prefix="corpus-speed-", dir=options.folder) as folder:
        results = {kind: measure_kind(Path(folder), kind, options) for kind in kinds}
    print(corpus_report(results))
    values = {kind: asdict(result) for kind, result in results.items()}
    write_json(options.json, {"machine": machine, "kinds": values})


def main() -> int:
    """The command; the result is the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corpus_speed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measurements here")
    parser.add_argument("--megabytes", type=float, default=1000.0, help="of each text; 1000")
    parser.add_argument(
        "--slice", type=float, default=50.0, help="megabytes that all contenders read; 50"
    )
    parser.add_argument("--kinds", default=",".join(KINDS), help="default: ascii,mixed")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    parser.add_argument(
        "--folder", type=Path, help="where the texts are put meanwhile; the system's by default"
    )
    options = parser.parse_args()
    return run_command(lambda: compare(options))


if __name__ == "__main__":
    sys.exit(main())
