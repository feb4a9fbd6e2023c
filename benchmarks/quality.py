"""What a preset reaches in a given time: validation loss against seconds of training.

Usage: python -m benchmarks.quality --text FILE [--budget 600] [--preset medium] [--set NAME=VALUE]

Trains with the command that users have, in a process of its own, then reads the run directory and
scores its best model on the held-out text, with state carried and in cold windows.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
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
from benchmarks.held_out_scores import score_run
from benchmarks.machine import describe_machine, warn_unless_quiet
from benchmarks.run_history import RunHistory, read_history
from benchmarks.tables import markdown_table
from tui_charrnn.errors import ExitCode, RunError
from tui_charrnn.metrics import bits_per_character
from tui_charrnn.runs.layout import RunDirectory

KNOWN_MARKS: Final = (
    ("5-gram, interpolated, counted on the same split", "1.669"),
    ("nanoGPT's README: recipe for a processor, windows of 64", "1.88"),
    ("nanoGPT's README: 10.6 M parameters, an A100 GPU, windows of 256", "1.4697"),
)
"""On tiny Shakespeare, its first 90 % for training, nats per character. nanoGPT's are the figures
that its authors publish."""


def train_command(options: argparse.Namespace, runs_folder: Path) -> list[str]:
    """The command line that trains: as a user would type it, with all held-out text scored."""
    given = parse_settings(options.set)
    settings = [
        word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", value)
    ]
    return [
        *(sys.executable, "-m", "tui_charrnn", "train", "--headless", options.text),
        *("--preset", options.preset, "--train-time", f"{options.budget:g}s"),
        *("--evaluation-characters", "none"),
        *("--runs-dir", str(runs_folder), "--name", options.name),
        *settings,
    ]


def curve_table(history: RunHistory) -> str:
    """Validation loss against seconds of training, one row an evaluation."""
    rows = [
        [
            f"{record.elapsed:.1f}",
            f"{record.step:,}",
            f"{record.loss:.4f}",
            f"{bits_per_character(record.loss):.4f}",
            "best so far" if record.is_best else "",
        ]
        for record in history.evaluations
    ]
    header = ["seconds of training", "step", "loss (nats)", "bits", ""]
    return markdown_table(header, rows)


def summary_table(history: RunHistory, at: float) -> str:
    """The losses that the bars are about.

    Args:
        history: Of a run with at least one evaluation.
        at: The time, in seconds, that is looked at besides the end.
    """
    best, last = history.best, history.evaluations[-1]
    middle = history.loss_at(at)
    rows = [
        [
            f"at {at:g} s, between the evaluations around it",
            "not reached" if middle is None else f"{middle:.4f}",
        ],
        [f"last, at {last.elapsed:.1f} s", f"{last.loss:.4f}"],
    ]
    if best is not None:
        rows.append([f"best, at {best.elapsed:.1f} s", f"{best.loss:.4f}"])
    if history.baselines is not None:
        order, loss = history.baselines.best
        rows.append([f"best n-gram of this run (order {order})", f"{loss:.4f}"])
    return markdown_table(["validation loss", "nats per character"], rows)


def marks_table(losses: Mapping[str, float]) -> str:
    """The best model's losses beside the known marks.

    Args:
        losses: As `held_out_scores.score_run` gives them.
    """
    rows = [["this run's best model, state carried over the held-out text", losses["carried"]]]
    rows += [
        [f"this run's best model, cold windows of {length} characters", loss]
        for length, loss in losses.items()
        if length != "carried"
    ]
    shown = [[str(name), f"{loss:.4f}"] for name, loss in rows]
    header = ["on the held-out text", "nats per character"]
    return markdown_table(header, [*shown, *(list(mark) for mark in KNOWN_MARKS)])


def measure(options: argparse.Namespace) -> None:
    """Train, read, score and print.

    Raises:
        ConfigError: If an option is not allowed.
        RunError: If the training failed.
    """
    lengths = parse_numbers(options.windows, "--windows")
    warn_unless_quiet()
    machine = describe_machine()
    with contextlib.ExitStack() as stack:
        folder = options.runs_dir or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        command = train_command(options, folder.absolute())
        started = time.monotonic()
        code = subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode
        wall = time.monotonic() - started
        run = RunDirectory(folder.absolute() / options.name)
        if code != ExitCode.OK:
            raise RunError(f"The training ended with exit code {code}; see above and {run.log}.")
        history = read_history(run)
        if not history.evaluations:
            raise RunError("The training ended without an evaluation. Give it a larger --budget.")
        narrate("Scoring the best model on the held-out text.")
        losses = score_run(run, lengths)
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    print(" ".join([f"Preset {options.preset}", *options.set]))
    print(
        f"{options.budget:g} s of training; {wall:.1f} s from the start of the command to its end"
    )
    print(f"\n### Validation loss while training\n\n{curve_table(history)}")
    print(f"\n### Summary\n\n{summary_table(history, options.at)}")
    print(f"\n### Beside known marks (tiny Shakespeare)\n\n{marks_table(losses)}")
    document = {
        "machine": machine,
        "command": command,
        "wall_seconds": wall,
        "evaluations": [asdict(record) for record in history.evaluations],
        "baselines": asdict(history.baselines) if history.baselines else None,
        "held_out": losses,
    }
    write_json(options.json, document)


def main() -> int:
    """The command; the result is the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    add_common_options(parser)
    parser.add_argument("--budget", type=float, default=600.0, help="seconds (default: 600)")
    parser.add_argument("--preset", default="medium", help="default: medium")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting in place of the preset's; may be repeated",
    )
    parser.add_argument(
        "--at", type=float, default=150.0, help="seconds looked at besides the end (default: 150)"
    )
    parser.add_argument("--windows", default="64,256", help="cold windows (default: 64,256)")
    parser.add_argument("--runs-dir", type=Path, help="keep the run in this folder")
    parser.add_argument("--name", default="quality", help="of the run (default: quality)")
    options = parser.parse_args()
    return run_command(lambda: measure(options))


if __name__ == "__main__":
    sys.exit(main())
