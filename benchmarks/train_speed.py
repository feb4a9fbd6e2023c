"""Training speed in characters per second: ours, plain Keras and PyTorch, in turns.

Usage: python -m benchmarks.train_speed --text FILE [--torch-python PYTHON] [--json FILE] ...
"""

import argparse
import importlib.util
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.command_line import (
    add_common_options,
    choose,
    narrate,
    parse_settings,
    run_command,
    write_json,
)
from benchmarks.machine import describe_machine, warn_unless_quiet
from benchmarks.speed.contenders.assignment import Assignment
from benchmarks.speed.contest import CONTENDERS, TORCH, Contest, choose_programs, measure_size
from benchmarks.speed.report import speed_report, versions_line
from benchmarks.speed.sizes import choose_sizes
from tui_charrnn.errors import ConfigError
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.text.vocabulary import choose_vocabulary
from tui_charrnn.training.machine import thread_count


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train_speed", description=__doc__)
    add_common_options(parser)
    parser.add_argument(
        "--size",
        action="append",
        default=[],
        metavar="B,T,E,H",
        help="batch size, sequence length, embedding size, hidden size; may be repeated",
    )
    parser.add_argument("--layers", default="1,2", help="numbers of layers (default: 1,2)")
    parser.add_argument(
        "--contenders",
        default=",".join(CONTENDERS),
        help=f"which take part (default: {','.join(CONTENDERS)})",
    )
    parser.add_argument("--torch-python", metavar="PYTHON", help="interpreter that has PyTorch")
    parser.add_argument("--rounds", type=int, default=7, help="rounds (default: 7)")
    parser.add_argument(
        "--seconds", type=float, default=5.0, help="of a contender in a round (default: 5)"
    )
    parser.add_argument(
        "--first-steps", type=int, default=6, help="batches before the first timed (default: 6)"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a training setting of ours; may be repeated",
    )
    parser.add_argument(
        "--device", choices=("cpu", "gpu"), default="cpu", help="the bars are for cpu"
    )
    return parser.parse_args(arguments)


def compare(options: argparse.Namespace) -> None:
    """Measure, print the tables and write the file.

    Raises:
        ConfigError: If an option is not allowed.
        CorpusError: If the text cannot be read.
        ContenderError: If a contender fails.
    """
    contenders = choose(options.contenders, CONTENDERS, "contenders")
    sizes = choose_sizes(options.size, options.layers)
    if options.rounds < 1 or options.first_steps < 2:
        raise ConfigError("There must be at least 1 round and at least 2 first steps.")
    if any(name in contenders for name in TORCH):
        _require_torch(options.torch_python)
    warn_unless_quiet()
    machine, corpus = describe_machine(), read_corpus([options.text])
    vocabulary = choose_vocabulary(corpus.numbered.occurrences())
    with tempfile.TemporaryDirectory() as folder:
        indices = Path(folder) / "indices.npy"
        np.save(indices, vocabulary.encode(corpus.text))
        assignment = Assignment(
            indices=indices,
            vocabulary_size=len(vocabulary),
            size=sizes[0],
            first_steps=options.first_steps,
            threads=thread_count(None),
            device=options.device,
            settings=parse_settings(options.set),
        )
        contest = Contest(
            programs=choose_programs(contenders),
            rounds=options.rounds,
            seconds=options.seconds,
            torch_python=options.torch_python or sys.executable,
            assignment=assignment,
        )
        results = [measure_size(contest, size) for size in sizes]
    facts = ", ".join(f"{name} {value}" for name, value in machine.items())
    print(f"{facts}, {versions_line(results)}; {corpus.name}, {len(corpus.text):,} characters.")
    print(f"{options.rounds} rounds of {options.seconds:g} s; device {options.device}.\n")
    print(speed_report(results, has_bars=options.device == "cpu"))
    document = {"machine": machine, "options": vars(options) | {"json": str(options.json)}}
    write_json(options.json, document | {"sizes": [result.to_json() for result in results]})


def _require_torch(torch_python: str | None) -> None:
    if torch_python is None and importlib.util.find_spec("torch") is None:
        raise ConfigError(
            "There is no PyTorch here. Install the extra `bench`, name the interpreter that has it "
            "with --torch-python, or leave it out: --contenders ours,keras,products"
        )


def main() -> int:
    """The command; the result is the exit code."""
    options = parse_arguments()
    code = run_command(lambda: compare(options))
    if code == 0 and options.json:
        narrate(f"All measurements: {options.json}")
    return code


if __name__ == "__main__":
    sys.exit(main())
