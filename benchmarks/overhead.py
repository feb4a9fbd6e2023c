"""What all that surrounds the engine costs it: records, checkpoints, an attached app.

Usage: python -m benchmarks.overhead --text FILE [--parts attached,checkpoints,memory,recording] ...
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from benchmarks.command_line import add_common_options, choose, narrate, run_command, write_json
from benchmarks.costs.attached import AttachedResult, measure_attached
from benchmarks.costs.checkpoints import CheckpointResult, measure_checkpoints
from benchmarks.costs.memory import MemoryResult, measure_memory_records
from benchmarks.costs.recording import RecordingResult, measure_recording
from benchmarks.machine import describe_machine, warn_unless_quiet
from benchmarks.rounds import Bar, Spread, median_ratio
from benchmarks.tables import markdown_table
from tui_charrnn.errors import ConfigError
from tui_charrnn.text.corpus import Corpus
from tui_charrnn.text.corpus_reading import read_corpus

PARTS: Final = ("attached", "checkpoints", "memory", "recording")
CHECKPOINT_PRESETS: Final = ("tiny", "medium", "tutorial")
ATTACHED_BAR: Final = Bar(0.02, is_upper=True)
RECORDING_BAR: Final = Bar(0.01, is_upper=True)
CHECKPOINT_BAR: Final = Bar(1.0, is_upper=True)


def attached_report(result: AttachedResult) -> str:
    """The table of the attached app."""
    without, attached = Spread.of(result.without), Spread.of(result.attached)
    generating = Spread.of(result.generating)
    cost = 1.0 - attached.median / without.median
    rows = [
        ["without the app", _rates(without), ""],
        ["with it attached", _rates(attached), ""],
        ["cost (bar below 2 %)", f"{cost:.2%}", ATTACHED_BAR.verdict(cost)],
        ["while a model generates in it", _rates(generating), ""],
        ["cost of both", f"{1.0 - generating.median / without.median:.2%}", ""],
    ]
    return markdown_table(["characters per second", "median (lowest to highest)", ""], rows)


def recording_report(result: RecordingResult) -> str:
    """The table of the records."""
    alone, recorded = Spread.of(result.alone), Spread.of(result.recorded)
    cost = recorded.median / alone.median - 1.0
    direct = result.seconds_per_record / alone.median
    rows = [
        ["engine alone", _milliseconds(alone), ""],
        ["with every batch recorded", _milliseconds(recorded), ""],
        ["cost (bar below 1 %)", f"{cost:.2%}", RECORDING_BAR.verdict(cost)],
        [
            f"one record by itself, {result.seconds_per_record * 1e6:.0f} microseconds",
            f"{direct:.2%}",
            RECORDING_BAR.verdict(direct),
        ],
    ]
    return markdown_table(["milliseconds a batch", "median (lowest to highest)", ""], rows)


def memory_report(result: MemoryResult) -> str:
    """The table of the records of the memory."""
    without, recorded = Spread.of(result.without), Spread.of(result.recorded)
    cost = median_ratio(result.recorded, result.without) - 1.0
    direct = max(
        spent / seconds for spent, seconds in zip(result.measuring, result.recorded, strict=True)
    )
    rows = [
        ["runs without it", _seconds(without), ""],
        [f"with {result.records} records", _seconds(recorded), ""],
        ["median of the ratios of a round, less 1", f"{cost:.2%}", ""],
        [
            "measuring, timed by itself: largest share (bar below 1 %)",
            f"{direct:.2%}",
            RECORDING_BAR.verdict(direct),
        ],
    ]
    return markdown_table(["seconds of a run's work", "median (lowest to highest)", ""], rows)


def checkpoint_report(results: list[CheckpointResult]) -> str:
    """The table of the checkpoints."""
    rows = []
    for result in results:
        spread = Spread.of(result.seconds)
        rows.append([
            result.preset,
            f"{result.parameter_count:,}",
            _seconds(spread),
            CHECKPOINT_BAR.verdict(spread.maximum),
        ])
    header = ["preset", "parameters", "seconds: median (lowest to highest)", "longest below 1 s"]
    return markdown_table(header, rows)


def _rates(spread: Spread) -> str:
    return f"{spread.median:,.0f} ({spread.minimum:,.0f} to {spread.maximum:,.0f})"


def _seconds(spread: Spread) -> str:
    return f"{spread.median:.3f} ({spread.minimum:.3f} to {spread.maximum:.3f})"


def _milliseconds(spread: Spread) -> str:
    values = (spread.median * 1e3, spread.minimum * 1e3, spread.maximum * 1e3)
    return "{:.3f} ({:.3f} to {:.3f})".format(*values)


def measure_attached_part(options: argparse.Namespace, folder: Path, corpus: Corpus) -> Any:
    """Measure, print, and return what was measured."""
    result = measure_attached(
        folder, options.preset, corpus, rounds=options.rounds, seconds=options.seconds
    )
    print(f"### The app attached, preset {options.preset}\n\n{attached_report(result)}\n")
    return asdict(result)


def measure_checkpoints_part(options: argparse.Namespace, folder: Path, corpus: Corpus) -> Any:
    """Measure, print, and return what was measured."""
    results = [
        measure_checkpoints(folder, preset, corpus, count=options.checkpoints)
        for preset in options.checkpoint_presets.split(",")
    ]
    print(f"### How long a checkpoint holds training up\n\n{checkpoint_report(results)}\n")
    return [asdict(result) for result in results]


def measure_memory_part(options: argparse.Namespace, folder: Path, corpus: Corpus) -> Any:
    """Measure, print, and return what was measured."""
    result = measure_memory_records(
        folder, options.preset, corpus, rounds=options.rounds, steps=options.steps
    )
    print(f"### Recording the memory, preset {options.preset}\n\n{memory_report(result)}\n")
    return asdict(result)


def measure_recording_part(options: argparse.Namespace, folder: Path, corpus: Corpus) -> Any:
    """Measure, print, and return what was measured."""
    result = measure_recording(
        folder,
        options.preset,
        corpus,
        rounds=options.recording_rounds,
        seconds=options.recording_seconds,
    )
    print(f"### Recording every batch, preset {options.preset}\n\n{recording_report(result)}\n")
    return asdict(result)


_MEASURES: Final[dict[str, Callable[[argparse.Namespace, Path, Corpus], Any]]] = {
    "attached": measure_attached_part,
    "checkpoints": measure_checkpoints_part,
    "memory": measure_memory_part,
    "recording": measure_recording_part,  # last: it loads TensorFlow into this process
}


def measure(options: argparse.Namespace) -> None:
    """Measure the parts that are asked for and print their tables.

    Raises:
        ConfigError: If an option is not allowed.
        CorpusError: If the text cannot be read.
        RunError: If a trainer fails.
    """
    chosen = choose(options.parts, PARTS, "parts")
    if min(options.rounds, options.recording_rounds, options.checkpoints, options.steps) < 1:
        raise ConfigError("There must be at least 1 round, 1 checkpoint and 1 step.")
    warn_unless_quiet()
    machine, corpus = describe_machine(), read_corpus([options.text])
    print(", ".join(f"{name} {value}" for name, value in machine.items()) + "\n")
    document: dict[str, Any] = {"machine": machine}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for part in (part for part in _MEASURES if part in chosen):
            narrate(f"Measuring: {part}")
            document[part] = _MEASURES[part](options, Path(folder), corpus)
    write_json(options.json, document)


def main() -> int:
    """The command; the result is the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=__doc__)
    add_common_options(parser)
    parser.add_argument("--parts", default=",".join(PARTS), help=f"default: {','.join(PARTS)}")
    parser.add_argument(
        "--preset", default="medium", help="for all but checkpoints (default: medium)"
    )
    parser.add_argument("--rounds", type=int, default=6, help="attached, memory (default: 6)")
    parser.add_argument("--steps", type=int, default=600, help="of a run of memory (default: 600)")
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="of an attached period (default: 20)"
    )
    parser.add_argument("--recording-rounds", type=int, default=20, help="default: 20")
    parser.add_argument("--recording-seconds", type=float, default=4.0, help="default: 4")
    parser.add_argument("--checkpoints", type=int, default=5, help="of a preset (default: 5)")
    parser.add_argument(
        "--checkpoint-presets",
        default=",".join(CHECKPOINT_PRESETS),
        help=f"default: {','.join(CHECKPOINT_PRESETS)}",
    )
    parser.add_argument("--folder", type=Path, help="where runs are put: the disk of interest")
    options = parser.parse_args()
    return run_command(lambda: measure(options))


if __name__ == "__main__":
    sys.exit(main())
