"""Characters per second of generation on one core, beside Keras, PyTorch and plain reading.

Usage: python -m benchmarks.generate_speed [--torch-python PYTHON] [--rounds 5] [--json FILE]
"""

import argparse
import contextlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.command_line import choose, narrate, run_command, write_json
from benchmarks.generation.starting import measure_starts
from benchmarks.generation.task import Task
from benchmarks.machine import describe_machine, warn_unless_quiet
from benchmarks.rounds import Bar, Spread, median_ratio, rotated
from benchmarks.speed.processes import ContenderProcess
from benchmarks.tables import markdown_table
from tui_charrnn.errors import ConfigError, RunError
from tui_charrnn.generation.products import load_library

SIZES: Final = (256, 512, 1024)
CONTENDERS: Final = {
    "ours": "ours",
    "int8": "ours",
    "keras": "eager_keras",
    "torch": "torch_steps",
    "reading": "reading",
}
"""Module of each."""
BARS: Final = {"keras": Bar(50.0), "torch": Bar(5.0), "reading": Bar(0.6)}
"""What ours / theirs has to reach."""
INT8_BARS: Final = {256: Bar(1.8), 512: Bar(2.2), 1024: Bar(3.5)}
"""What int8 / ours has to reach, by hidden size."""
START_BAR: Final = Bar(0.5, is_upper=True)
START_RATIO_BAR: Final = Bar(3.0, is_upper=True)
TAPE_SIZE: Final = 512
TAPE_BAR: Final = Bar(300.0, is_upper=True)
_ONE_THREAD: Final = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "CUDA_VISIBLE_DEVICES": "-1",
}


@dataclass(frozen=True, slots=True)
class SizeRates:
    """All rounds at one hidden size."""

    hidden_size: int
    rates: Mapping[str, Sequence[float]]
    """Characters per second by contender, one a round; of `reading`, passes per second."""

    def ratio(self, peer: str, contender: str = "ours") -> float | None:
        """A contender, ours unless named, in another one, or None if one was left out."""
        if contender not in self.rates or peer not in self.rates:
            return None
        return median_ratio(self.rates[contender], self.rates[peer])


def rates_report(results: Sequence[SizeRates]) -> str:
    """The tables of rates and of ratios."""
    names = list(results[0].rates)
    rows, ratios = [], []
    for result in results:
        spreads = [Spread.of(result.rates[name]) for name in names]
        rows.append([
            f"{result.hidden_size:,}",
            *(
                f"{spread.median:,.0f} ({spread.minimum:,.0f} to {spread.maximum:,.0f})"
                for spread in spreads
            ),
        ])
        ratios.append([
            f"{result.hidden_size:,}",
            *(_verdict(result.ratio(peer), bar) for peer, bar in BARS.items()),
            _verdict(result.ratio("ours", "int8"), INT8_BARS[result.hidden_size]),
        ])
    header = ["H", *(f"ours / {peer} (bar {bar.limit:g})" for peer, bar in BARS.items())]
    header.append(f"int8 / ours (bars {', '.join(f'{bar.limit:g}' for bar in INT8_BARS.values())})")
    return f"{markdown_table(['H', *names], rows)}\n\n{markdown_table(header, ratios)}"


def _verdict(ratio: float | None, bar: Bar) -> str:
    return "" if ratio is None else f"{ratio:.2f} {bar.verdict(ratio)}"


def starts_report(ours: Sequence[float], numpy: Sequence[float]) -> str:
    """The table of starts."""
    rows = []
    for name, seconds in (("generate", ours), ("python -c 'import numpy'", numpy)):
        spread = Spread.of(seconds)
        span = f"{spread.minimum:.2f} to {spread.maximum:.2f}"
        verdict = START_BAR.verdict(spread.median) if seconds is ours else ""
        rows.append([name, f"{spread.median:.2f}", span, verdict])
    ratio = median_ratio(ours, numpy)
    rows.append(["ratio (bar below 3)", f"{ratio:.2f}", "", START_RATIO_BAR.verdict(ratio)])
    header = ["seconds to the first character (bar below 0.5)", "median", "lowest to highest", ""]
    return markdown_table(header, rows)


def tape_report(tape: Mapping[str, float]) -> str:
    """The table of a long tape."""
    grown = tape["grown"]
    rows = [
        ["memory, MB (bar below 300)", f"{grown:.0f}", TAPE_BAR.verdict(grown)],
        ["memory of the whole process, MB", f"{tape['resident']:.0f}", ""],
        ["characters a second while recording", f"{tape['characters'] / tape['seconds']:,.0f}", ""],
        ["longest look back, ms", f"{tape['look_back'] * 1e3:.1f}", ""],
    ]
    return markdown_table([f"{tape['characters']:,} characters, H {TAPE_SIZE}", "", ""], rows)


def measure_size(size: int, names: Sequence[str], options: argparse.Namespace) -> SizeRates:
    """Bring every contender up, then let them generate in turns.

    Raises:
        ContenderError: If one fails.
    """
    rates: dict[str, list[float]] = {name: [] for name in names}
    with contextlib.ExitStack() as stack:
        living = {}
        for name in names:
            python = options.torch_python if name == "torch" else None
            module = f"benchmarks.generation.{CONTENDERS[name]}"
            task = Task(size, "int8" if name == "int8" else "float32")
            command = [python or sys.executable, "-m", module, task.to_json()]
            process = ContenderProcess(name, command, {**os.environ, **_ONE_THREAD})
            living[name] = stack.enter_context(process)
            living[name].make_ready()
        for number in range(options.rounds):
            for name in rotated(names, number):
                done = living[name].measure(options.seconds)
                rates[name].append(done.steps / done.seconds)
            told = ", ".join(f"{name} {values[-1]:,.0f}" for name, values in rates.items())
            narrate(f"H {size}: round {number + 1} of {options.rounds}: {told}")
    return SizeRates(size, rates)


def measure_tape(count: int) -> dict[str, float]:
    """Record a long text in a process of its own.

    Raises:
        RunError: If that fails.
    """
    module = "benchmarks.generation.recorded"
    command = [sys.executable, "-m", module, Task(TAPE_SIZE).to_json(), str(count)]
    child = subprocess.run(
        command, env={**os.environ, **_ONE_THREAD}, capture_output=True, text=True, check=False
    )
    if child.returncode:
        raise RunError(f"The tape could not be recorded: {child.stderr[-1000:]}")
    told: dict[str, float] = json.loads(child.stdout)
    return told


def compare(options: argparse.Namespace) -> None:
    """Measure, print the tables and write the file.

    Raises:
        ConfigError: If an option is not allowed.
        ContenderError: If a contender fails.
        RunError: If `generate` or a tape fails.
    """
    names = choose(options.contenders, list(CONTENDERS), "contenders")
    if options.rounds < 1:
        raise ConfigError(f"There must be at least 1 round. Received: {options.rounds}")
    has_torch = options.torch_python or importlib.util.find_spec("torch") is not None
    if "torch" in names and not has_torch:
        raise ConfigError(
            "There is no PyTorch here. Install the extra `bench`, name the interpreter that has it "
            "with --torch-python, or leave it out: --contenders ours,keras,reading"
        )
    if "int8" in names and load_library() is None:
        raise ConfigError(
            "NumKong is not here, or slow on this processor, so int8 would be multiplied by NumPy. "
            "Install the extra `fast`, or leave it out: --contenders ours,keras,torch,reading"
        )
    warn_unless_quiet()
    machine = describe_machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()) + "\n")
    results = [measure_size(size, names, options) for size in SIZES]
    print(f"### Characters per second, one core\n\n{rates_report(results)}\n")
    narrate("Starting `generate` again and again")
    starts = measure_starts(options.rounds * 4)
    print(f"### Start\n\n{starts_report(*starts)}\n")
    document: dict[str, Any] = {"machine": machine, "starts": starts}
    document["sizes"] = {str(result.hidden_size): dict(result.rates) for result in results}
    if options.tape:
        narrate(f"Recording {options.tape:,} characters")
        document["tape"] = measure_tape(options.tape)
        print(f"### A long tape\n\n{tape_report(document['tape'])}\n")
    write_json(options.json, document)


def main() -> int:
    """The command; the result is the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generate_speed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measurements here")
    parser.add_argument("--torch-python", metavar="PYTHON", help="an interpreter with PyTorch")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument(
        "--seconds", type=float, default=1.0, help="of one contender in one round; default: 1"
    )
    parser.add_argument(
        "--contenders", default=",".join(CONTENDERS), help=f"default: {','.join(CONTENDERS)}"
    )
    parser.add_argument(
        "--tape", type=int, default=1_000_000, help="characters of a long tape; 0 leaves it out"
    )
    options = parser.parse_args()
    return run_command(lambda: compare(options))


if __name__ == "__main__":
    sys.exit(main())
