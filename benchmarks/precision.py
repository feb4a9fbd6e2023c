"""What bfloat16 costs in loss: the same run trained in float32 and in bfloat16, seed by seed.

Usage: python -m benchmarks.precision --text FILE [--preset medium] [--steps 300] [--seeds 0,1,2]

Both runs of a pair have the same first weights, batches, dropout masks and learning rates. Each is
trained with the command that users have, in a process of its own.
"""

import argparse
import contextlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from benchmarks.command_line import (
    add_common_options,
    narrate,
    parse_numbers,
    parse_settings,
    run_command,
    write_json,
)
from benchmarks.machine import describe_machine, warn_unless_quiet
from benchmarks.rounds import Bar, mirrored
from benchmarks.tables import markdown_table
from tests.support.record_reading import read_new
from tui_charrnn.errors import ExitCode, RunError
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader
from tui_charrnn.runs.records import BatchTrained, Record, RunPlanned, SplitEvaluated

PRECISIONS: Final = ("float32", "bfloat16")
LAST_BATCHES: Final = 20
"""So many batches at the end of a run are averaged."""
LOSS_BAR: Final = Bar(0.01, is_upper=True)
"""Nats per character that the two may lie apart, on the held-out text."""


@dataclass(frozen=True, slots=True)
class FinalLosses:
    """Where a run ended."""

    batches: float
    """Mean loss of its last batches."""
    heldout: float
    """Loss of the held-out text after the last of them."""
    seconds: float
    """Of training, evaluation included."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The two runs of one seed."""

    rng_seed: int
    float32: FinalLosses
    bfloat16: FinalLosses

    @property
    def heldout_difference(self) -> float:
        """How much more bfloat16 loses on the held-out text, nats per character."""
        return self.bfloat16.heldout - self.float32.heldout

    @property
    def batch_difference(self) -> float:
        """How much more it loses on the last batches."""
        return self.bfloat16.batches - self.float32.batches


def train_command(options: argparse.Namespace, folder: Path, name: str) -> list[str]:
    """The command line that trains; what differs between two runs is not in it yet."""
    given = parse_settings(options.set)
    settings = [
        word for key, value in given.items() for word in (f"--{key.replace('_', '-')}", value)
    ]
    return [
        *(sys.executable, "-m", "tui_charrnn", "train", "--headless", options.text),
        *("--preset", options.preset, "--steps", str(options.steps), "--evaluations", "1"),
        *("--evaluation-characters", "none", "--no-samples"),
        *("--runs-dir", str(folder), "--name", name),
        *settings,
    ]


def final_losses(records: Sequence[Record], precision: str) -> FinalLosses:
    """Where a run ended, as its records tell.

    Raises:
        RunError: If it trained no batch or was not scored, or was trained in another precision.
    """
    planned = [record.precision for record in records if isinstance(record, RunPlanned)]
    if planned != [precision]:
        raise RunError(f"A run was to be trained in {precision}. Received: {planned}")
    batches = [record.loss for record in records if isinstance(record, BatchTrained)]
    scored = [record for record in records if isinstance(record, SplitEvaluated)]
    if not batches or not scored:
        raise RunError("A run ended without a batch or without an evaluation.")
    return FinalLosses(
        statistics.fmean(batches[-LAST_BATCHES:]), scored[-1].loss, scored[-1].elapsed
    )


def pairs_table(pairs: Sequence[Pair]) -> str:
    """One row a seed: losses on the held-out text, their difference, that of the last batches."""
    rows = [
        [
            str(pair.rng_seed),
            f"{pair.float32.heldout:.4f}",
            f"{pair.bfloat16.heldout:.4f}",
            f"{pair.heldout_difference:+.4f}",
            f"{pair.batch_difference:+.4f}",
            f"{pair.float32.seconds:.1f}",
            f"{pair.bfloat16.seconds:.1f}",
        ]
        for pair in pairs
    ]
    header = [
        "seed",
        "float32",
        "bfloat16",
        "difference",
        f"of the last {LAST_BATCHES} batches",
        "s in float32",
        "s in bfloat16",
    ]
    return markdown_table(header, rows)


def verdict(pairs: Sequence[Pair]) -> str:
    """The largest difference on the held-out text, whichever way, against the bar."""
    largest = max(abs(pair.heldout_difference) for pair in pairs)
    mean = statistics.fmean(pair.heldout_difference for pair in pairs)
    return (
        f"Largest difference {largest:.4f} (bar: below {LOSS_BAR.limit:g}): "
        f"{LOSS_BAR.verdict(largest)}; mean {mean:+.4f}."
    )


def measure(options: argparse.Namespace) -> None:
    """Train the pairs, print the table and write the file.

    Raises:
        ConfigError: If an option is not allowed.
        RunError: If a training failed.
    """
    seeds = parse_numbers(options.seeds, "--seeds", least=0)
    warn_unless_quiet()
    machine = describe_machine()
    with contextlib.ExitStack() as stack:
        folder = options.runs_dir or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pairs = [
            _train_pair(options, folder.absolute(), number, seed)
            for number, seed in enumerate(seeds)
        ]
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    print(" ".join([f"Preset {options.preset}, {options.steps} steps", *options.set]) + "\n")
    print(f"{pairs_table(pairs)}\n\n{verdict(pairs)}")
    write_json(
        options.json,
        {
            "machine": machine,
            "preset": options.preset,
            "steps": options.steps,
            "settings": parse_settings(options.set),
            "pairs": [asdict(pair) for pair in pairs],
        },
    )


def _train_pair(options: argparse.Namespace, folder: Path, number: int, rng_seed: int) -> Pair:
    """Train both runs of a seed; which is the first changes from pair to pair."""
    ended = {}
    for precision in mirrored(*PRECISIONS, number):
        narrate(f"Seed {rng_seed}: {options.steps} steps in {precision}.")
        run = RunDirectory(folder / f"{precision}-{rng_seed}")
        command = train_command(options, folder, run.name)
        command += ["--rng-seed", str(rng_seed), "--precision", precision]
        code = subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode
        if code != ExitCode.OK:
            raise RunError(f"The training ended with exit code {code}; see above and {run.log}.")
        ended[precision] = final_losses(_records_of(run), precision)
    return Pair(rng_seed, ended["float32"], ended["bfloat16"])


def _records_of(run: RunDirectory) -> list[Record]:
    records: list[Record] = []
    reader = RunReader(run)
    while news := read_new(reader):
        records += news
    return records


def main() -> int:
    """The command; the result is the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.precision", description=__doc__)
    add_common_options(parser)
    parser.add_argument("--preset", default="medium", help="default: medium")
    parser.add_argument("--steps", type=int, default=300, help="of each run (default: 300)")
    parser.add_argument("--seeds", default="0,1,2", help="RNG seeds, a pair each (default: 0,1,2)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting in place of the preset's; may be repeated",
    )
    parser.add_argument("--runs-dir", type=Path, help="keep the runs in this folder")
    options = parser.parse_args()
    return run_command(lambda: measure(options))


if __name__ == "__main__":
    sys.exit(main())
