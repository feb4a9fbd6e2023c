"""What the command lines of the benchmarks share."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tui_charrnn.errors import CharRNNError, ConfigError, RunError


def run_command(work: Callable[[], None]) -> int:
    """Carry out a command; an expected failure is a sentence on standard error.

    Returns:
        The exit code.
    """
    try:
        work()
    except CharRNNError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return int(error.exit_code)
    except KeyboardInterrupt:
        return 130
    return 0


def narrate(sentence: str) -> None:
    """Say on standard error how far a benchmark is; standard output is for results."""
    print(sentence, file=sys.stderr, flush=True)


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """The options of every benchmark: --text and --json."""
    parser.add_argument(
        "--text",
        required=True,
        help="what to train on: a text file, or a name that `charrnn-tui corpora` lists",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measurements here")


def write_json(path: Path | None, document: Any) -> None:
    """Write measurements as JSON, if a path was given."""
    if path is not None:
        contents = json.dumps(document, indent=1, allow_nan=False)
        path.write_text(f"{contents}\n", encoding="utf-8")


def parse_settings(pairs: Sequence[str]) -> dict[str, str]:
    """Read `name=value` pairs; a name may be written with hyphens.

    Raises:
        ConfigError: If there is no equals sign.
    """
    settings = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name:
            raise ConfigError(f"--set takes name=value, as dropout=0.3. Received: {pair!r}")
        settings[name.strip().replace("-", "_")] = value
    return settings


def choose(text: str, known: Sequence[str], noun: str) -> list[str]:
    """Read a list with commas between, of words that are known.

    Raises:
        ConfigError: If a word is not known, or there is none.
    """
    words = list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    unknown = [word for word in words if word not in known]
    if unknown or not words:
        raise ConfigError(f"Known {noun}: {', '.join(known)}. Received: {text!r}")
    return words


def parse_numbers(text: str, option: str, *, least: int = 1) -> list[int]:
    """Read a list of whole numbers with commas between; what stands twice is taken once.

    Raises:
        ConfigError: If they are not numbers of at least `least`.
    """
    words = [word.strip() for word in text.split(",")]
    numbers = [int(word) if word.isascii() and word.isdigit() else -1 for word in words]
    if min(numbers) < least:
        raise ConfigError(
            f"{option} takes whole numbers from {least} on, with commas between. Received: {text!r}"
        )
    return list(dict.fromkeys(numbers))


def measure_in_child(module: str, *arguments: object) -> Any:
    """Run a module of the benchmarks in a process of its own, on one thread.

    Args:
        module: Its name below `benchmarks`; it prints JSON.
        arguments: Of its command line.

    Raises:
        RunError: If it fails.
    """
    child = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if child.returncode:
        raise RunError(f"benchmarks.{module} could not measure: {child.stderr[-1000:]}")
    return json.loads(child.stdout)
