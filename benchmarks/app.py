"""How fast the app shows a very long run, and what a frame of its chart costs.

Usage: python -m benchmarks.app [--batches 1000000] [--rounds 5] [--json FILE]
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from benchmarks.command_line import narrate, run_command, write_json
from benchmarks.costs.attaching import COLUMNS, ROWS, Attached, measure_attaching
from benchmarks.costs.frames import measure_frames
from benchmarks.costs.long_run import write_long_run
from benchmarks.machine import describe_machine, warn_unless_quiet
from benchmarks.rounds import Bar, Spread, median_ratio
from benchmarks.tables import markdown_table
from tui_charrnn.errors import ConfigError

SHORT: Final = 1_000
"""Batches of the run that a long one is compared with."""
FIRST_FRAME_BAR: Final = Bar(0.5, is_upper=True)
HISTORY_BAR: Final = Bar(5.0, is_upper=True)
MEMORY_BAR: Final = Bar(150.0, is_upper=True)
FRAME_BAR: Final = Bar(1.25, is_upper=True)
_FRAMES_A_ROUND: Final = 20


def attaching_report(starts: Sequence[Attached]) -> str:
    """The table of the app that is opened on a run."""
    figures: tuple[tuple[str, Callable[[Attached], float], str, Bar | None], ...] = (
        ("first frame, s (bar below 0.5)", lambda start: start.first_frame, ".2f", FIRST_FRAME_BAR),
        ("whole history, s (bar below 5)", lambda start: start.whole_history, ".2f", HISTORY_BAR),
        ("processor time until then, s", lambda start: start.processor, ".2f", None),
        ("memory after it, MB (bar below 150)", lambda start: start.resident, ".0f", MEMORY_BAR),
        ("memory at most, MB", lambda start: start.peak, ".0f", None),
    )
    rows = []
    for name, figure, form, bar in figures:
        spread = Spread.of([figure(start) for start in starts])
        rows.append([
            name,
            format(spread.median, form),
            f"{spread.minimum:{form}} to {spread.maximum:{form}}",
            bar.verdict(spread.median) if bar is not None else "",
        ])
    return markdown_table(
        ["from the start of the process", "median", "lowest to highest", ""], rows
    )


def frames_report(spans: dict[str, dict[int, list[float]]]) -> str:
    """The table of single frames."""
    rows = []
    for name, seconds in spans.items():
        (short, long), (few, many) = (list(seconds.values()), list(seconds))
        ratio = median_ratio(long, short)
        cells = [_milliseconds(Spread.of(short)), _milliseconds(Spread.of(long))]
        rows.append([name, *cells, f"{ratio:.2f}", FRAME_BAR.verdict(ratio)])
    header = [
        "milliseconds a frame: median (lowest)",
        f"{few:,} batches",
        f"{many:,} batches",
        "ratio",
        "below 1.25",
    ]
    return markdown_table(header, rows)


def _milliseconds(spread: Spread) -> str:
    return f"{spread.median * 1e3:.1f} ({spread.minimum * 1e3:.1f})"


def measure(options: argparse.Namespace) -> None:
    """Measure everything and print the tables.

    Raises:
        ConfigError: If an option is not allowed.
        RunError: If the app fails.
        StorageError: If the long run cannot be written.
    """
    if options.rounds < 1 or options.batches <= SHORT:
        raise ConfigError(
            f"There must be at least 1 round, and more than {SHORT:,} batches. "
            f"Received: rounds={options.rounds}, batches={options.batches}"
        )
    warn_unless_quiet()
    machine = describe_machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()) + "\n")
    document: dict[str, Any] = {"machine": machine, "batches": options.batches}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        narrate(f"Writing a run of {options.batches:,} batches")
        run = write_long_run(Path(folder), options.batches)
        starts = []
        for number in range(options.rounds):
            narrate(f"Attaching to it: {number + 1} of {options.rounds}")
            starts.append(measure_attaching(run, options.batches))
    print(
        f"### Attaching to a run of {options.batches:,} batches, {COLUMNS}x{ROWS}\n\n"
        f"{attaching_report(starts)}\n"
    )
    document["attaching"] = [asdict(start) for start in starts]
    narrate("Drawing frames")
    frames = measure_frames([SHORT, options.batches], _FRAMES_A_ROUND * options.rounds)
    print(f"### A frame of the loss chart\n\n{frames_report(frames)}\n")
    document["frames"] = frames
    write_json(options.json, document)


def main() -> int:
    """The command; the result is the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.app", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measurements here")
    parser.add_argument(
        "--batches", type=int, default=1_000_000, help="of the run (default: 1000000)"
    )
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--folder", type=Path, help="where the run is put: the disk of interest")
    options = parser.parse_args()
    return run_command(lambda: measure(options))


if __name__ == "__main__":
    sys.exit(main())
