"""Every way to compute on a GPU, beside Keras and PyTorch on the same card, within a few minutes.

Usage: python -m benchmarks.gpu --json gpu.json [--text tinyshakespeare.txt] [--minutes 8] ...

The rows that say most come first, and all are written down as they come: what did not fit into the
time is measured by the same command once more. A row that raises, or takes too long, says so.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.cards.asking import RowProcess
from benchmarks.cards.report import MEDIUM_SECONDS, gpu_report
from benchmarks.cards.rows import Network, networks, rows_of
from benchmarks.command_line import choose, narrate, run_command, write_json
from benchmarks.machine import describe_machine
from tests.support.record_reading import read_new
from tui_charrnn.errors import ConfigError
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader
from tui_charrnn.runs.records import SplitEvaluated

CONTENDERS: Final = {"ours": "ours", "keras": "keras_fit", "torch": "torch_lstm"}
"""By name, the module of each."""
ROW_LIMIT: Final = 90.0
"""Seconds that a row may take, with all that is loaded and compiled for it."""
LEAST_TIME: Final = 15.0
"""Seconds that must be left for one more row."""
MEDIUM_LIMIT: Final = 2 * MEDIUM_SECONDS


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="results, also of times before")
    parser.add_argument(
        "--text", metavar="FILE", help="tiny Shakespeare: trains `medium` on it too"
    )
    parser.add_argument("--minutes", type=float, default=8.0, help="for all of it (default: 8)")
    parser.add_argument("--seconds", type=float, default=1.0, help="timed for a row (default: 1)")
    parser.add_argument(
        "--contenders", default=",".join(CONTENDERS), help="which take part (default: all)"
    )
    parser.add_argument("--torch-python", metavar="PYTHON", help="interpreter that has PyTorch")
    parser.add_argument(
        "--device", choices=("gpu", "cpu"), default="gpu", help="cpu only tries the command"
    )
    parser.add_argument(
        "--network",
        action="append",
        default=[],
        metavar="H,L,NORM,B,T",
        help="hidden size, layers, layer normalization (0 or 1), batch size and length in place of "
        "the table's networks; may be repeated",
    )
    return parser.parse_args(arguments)


def parse_network(text: str) -> Network:
    """Read `H,L,NORM,B,T`.

    Raises:
        ConfigError: If it is something else.
    """
    try:
        hidden, layers, norm, batch, length = (int(part) for part in text.split(","))
    except ValueError:
        hidden, layers, norm, batch, length = 0, 0, 0, 0, 0
    if min(hidden, layers, batch, length) < 1 or norm not in {0, 1}:
        raise ConfigError(f"A network is H,L,NORM,B,T, as 512,1,0,64,100. Received: {text!r}")
    return Network(hidden, layers, bool(norm), batch, length)


def compare(options: argparse.Namespace) -> None:
    """Measure as many rows as fit into the time, and print the tables.

    Raises:
        ConfigError: If an option is not allowed, or there is no GPU.
    """
    contenders = choose(options.contenders, tuple(CONTENDERS), "contenders")
    wanted = [parse_network(text) for text in options.network] or networks()
    ending = time.monotonic() + 60 * options.minutes
    with contextlib.ExitStack() as stack:
        processes = {
            name: stack.enter_context(_process(name, options)) for name in {"ours", *contenders}
        }
        if failure := processes["ours"].start(ending - time.monotonic()):
            raise ConfigError(f"TensorFlow cannot be used: {failure}")
        facts = processes["ours"].facts
        card = str(facts["device"])
        if options.device == "gpu" and card == "CPU":
            raise ConfigError(
                "TensorFlow sees no GPU here, so there is nothing to measure (`charrnn-tui doctor` "
                "says why); --device cpu tries the command on the processor."
            )
        rows = [row for each in wanted for row in rows_of(each, contenders, facts["ways"])]
        document = _read_results(options.json, card)
        for number, row in enumerate(rows):
            left = ending - time.monotonic()
            is_next = number > 0 and row.network != rows[number - 1].network
            if options.text and is_next and "medium" not in document and left > MEDIUM_LIMIT:
                narrate(f"the preset medium for {MEDIUM_SECONDS:g} s")
                document["medium"] = train_medium(options.text)
                write_json(options.json, document)
                left = ending - time.monotonic()
            if row.key in document["results"]:
                continue
            if left < LEAST_TIME:
                break
            result = processes[row.contender].measure(row, options.seconds, min(left, ROW_LIMIT))
            if result.get("is_late") and left < ROW_LIMIT:
                break  # it had less time than others
            document["results"][row.key] = result
            said = result.get("failure") or f"{result['characters_per_second']:,.0f} characters/s"
            narrate(f"{row.key}: {said}")
            write_json(options.json, document)
        versions = [each.facts.get("versions", {}) for each in processes.values()]
    print(_heading(card, versions))
    print(gpu_report(rows, document["results"], card, document.get("medium")))


def _process(name: str, options: argparse.Namespace) -> RowProcess:
    python = options.torch_python or sys.executable if name == "torch" else sys.executable
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "KERAS_BACKEND": "tensorflow"}
    if options.device == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = "-1"
    module = f"benchmarks.cards.{CONTENDERS[name]}"
    return RowProcess([python, "-m", module], environment)


def _read_results(path: Path | None, card: str) -> dict[str, Any]:
    """What was measured on the same card before; empty if nothing was."""
    empty: dict[str, Any] = {"card": card, "results": {}}
    if path is None or not path.exists():
        return empty
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        is_same = document["card"] == card and isinstance(document["results"], dict)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigError(f"{path} holds no results of this command: {error}") from error
    if not is_same:
        raise ConfigError(f"{path} is of {document['card']}, this is {card}: name another file.")
    return dict(document)


def train_medium(text: str, seconds: float = MEDIUM_SECONDS) -> float | None:
    """The validation loss that the preset `medium` reaches in a time of training; None: none.

    Args:
        text: The file that is trained on.
        seconds: Of training; evaluations are counted in, loading is not.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tui_charrnn", "train", "--headless", text, "--quiet"]
        command += ["--preset", "medium", "--train-time", f"{seconds:g}s", "--no-samples"]
        command += ["--runs-dir", folder, "--name", "medium"]
        subprocess.run(command, check=False, timeout=MEDIUM_LIMIT, stdin=subprocess.DEVNULL)
        records = read_new(RunReader(RunDirectory(Path(folder) / "medium")))
    losses = [record.loss for record in records if isinstance(record, SplitEvaluated)]
    return min(losses, default=None)


def _heading(card: str, versions: Sequence[Mapping[str, str]]) -> str:
    machine = describe_machine()
    merged = {name: version for each in versions for name, version in each.items()}
    facts = ", ".join(f"{name} {version}" for name, version in merged.items())
    return f"{card}; {machine['date']}, {machine['system']}, Python {machine['python']}, {facts}.\n"


def main() -> int:
    """The command; the result is the exit code."""
    return run_command(lambda: compare(parse_arguments()))


if __name__ == "__main__":
    sys.exit(main())
