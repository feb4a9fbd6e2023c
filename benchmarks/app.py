"""How soon the app starts and answers, what it costs, and how fast it shows a very long run.

Usage: python -m benchmarks.app [--what starting,streaming,xray,keys,idling,attaching,frames]
       [--rounds 5] [--batches 1000000] [--model shakespeare] [--json FILE]
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from benchmarks.app_report import (
    attaching_report,
    frames_report,
    idling_report,
    keys_report,
    starting_report,
    streaming_report,
    xray_report,
)
from benchmarks.command_line import choose, narrate, run_command, write_json
from benchmarks.costs.attaching import COLUMNS, ROWS, measure_attaching
from benchmarks.costs.frames import measure_frames
from benchmarks.costs.idling import measure_idling
from benchmarks.costs.keys import PRESET, measure_keys
from benchmarks.costs.long_run import write_long_run
from benchmarks.costs.starting import measure_starts
from benchmarks.costs.streaming import HISTORY, PACE, measure_streaming
from benchmarks.costs.xray import measure_xray
from benchmarks.machine import describe_machine, warn_unless_quiet
from tui_charrnn.errors import ConfigError

SHORT: Final = 1_000
"""Batches of the run that a long one is compared with."""
_FRAMES_A_ROUND: Final = 20
_STREAMED: Final = 10.0
"""Seconds that a text is watched while it streams, and an app that does nothing."""
Part = Callable[[argparse.Namespace, Path], tuple[str, str, Any]]
"""Measures something, with a folder for its files; a title, a table, and what was measured."""


def _starting(options: argparse.Namespace, _: Path) -> tuple[str, str, Any]:
    starts = measure_starts(options.rounds)
    return "Starting, 80x24", starting_report(starts), asdict(starts)


def _streaming(options: argparse.Namespace, folder: Path) -> tuple[str, str, Any]:
    looks = measure_streaming(folder, options.rounds, _STREAMED, options.model)
    title = f"{PACE:,} characters a second of {options.model} after {HISTORY:,}, 120x36"
    return title, streaming_report(looks), [asdict(look) for look in looks]


def _xray(options: argparse.Namespace, folder: Path) -> tuple[str, str, Any]:
    looks = measure_xray(folder, options.rounds, options.text)
    title = f"With the x-ray on, 120x36, compared with {Path(options.text).name}"
    return title, xray_report(looks), [asdict(look) for look in looks]


def _keys(options: argparse.Namespace, folder: Path) -> tuple[str, str, Any]:
    waits = measure_keys(folder, options.rounds, options.presses)
    title = f"Typing while the preset {PRESET} is trained, {options.presses} keys a round"
    return title, keys_report(waits), waits


def _idling(options: argparse.Namespace, _: Path) -> tuple[str, str, Any]:
    shares = measure_idling(options.rounds, _STREAMED)
    return f"Doing nothing, {_STREAMED:g} s a round", idling_report(shares), shares


def _attaching(options: argparse.Namespace, folder: Path) -> tuple[str, str, Any]:
    narrate(f"Writing a run of {options.batches:,} batches")
    run = write_long_run(folder, options.batches)
    starts = [measure_attaching(run, options.batches) for _ in range(options.rounds)]
    title = f"Attaching to a run of {options.batches:,} batches, {COLUMNS}x{ROWS}"
    return title, attaching_report(starts), [asdict(start) for start in starts]


def _frames(options: argparse.Namespace, _: Path) -> tuple[str, str, Any]:
    frames = measure_frames([SHORT, options.batches], _FRAMES_A_ROUND * options.rounds)
    return "A frame of the loss chart", frames_report(frames), frames


PARTS: Final[dict[str, Part]] = {
    "starting": _starting,
    "streaming": _streaming,
    "xray": _xray,
    "keys": _keys,
    "idling": _idling,
    "attaching": _attaching,
    "frames": _frames,
}


def measure(options: argparse.Namespace) -> None:
    """Measure what is asked for and print the tables.

    Raises:
        ConfigError: If an option is not allowed.
        RunError: If the app fails.
        StorageError: If a run cannot be written.
    """
    parts = choose(options.what, list(PARTS), "parts")
    if min(options.rounds, options.presses) < 1 or options.batches <= SHORT:
        raise ConfigError(
            f"There must be at least 1 round and 1 key, and more than {SHORT:,} batches. "
            f"Received: rounds={options.rounds}, presses={options.presses}, "
            f"batches={options.batches}"
        )
    warn_unless_quiet()
    machine = describe_machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()) + "\n")
    document: dict[str, Any] = {"machine": machine, "batches": options.batches}
    for part in parts:
        narrate(f"Measuring: {part}")
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            title, table, document[part] = PARTS[part](options, Path(folder))
        print(f"### {title}\n\n{table}\n", flush=True)
    write_json(options.json, document)


def main() -> int:
    """The command; the result is the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.app", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measurements here")
    parser.add_argument(
        "--what", default=",".join(PARTS), help=f"parts, with commas between: {', '.join(PARTS)}"
    )
    parser.add_argument(
        "--batches", type=int, default=1_000_000, help="of the long run (default: 1000000)"
    )
    parser.add_argument(
        "--model",
        default="shakespeare",
        help="the model file, run or name whose text streams (default: shakespeare)",
    )
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--presses", type=int, default=200, help="keys a round (default: 200)")
    parser.add_argument(
        "--text", default="pydoc", help="what originality is measured against (default: pydoc)"
    )
    parser.add_argument("--folder", type=Path, help="where runs are put: the disk of interest")
    return run_command(lambda: measure(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
