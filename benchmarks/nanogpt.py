"""nanoGPT's own recipe for a processor, on this machine: validation loss against seconds.

Usage: python -m benchmarks.nanogpt --folder NANOGPT --text FILE [--budget 600]

`NANOGPT` is a checkout of https://github.com/karpathy/nanoGPT. Its own `train.py` runs with the
recipe of its README; only the number of iterations is longer, as many as the budget allows.
"""

import argparse
import re
import statistics
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from benchmarks.command_line import add_common_options, narrate, run_command, write_json
from benchmarks.machine import describe_machine, warn_unless_quiet
from benchmarks.tables import markdown_table
from tui_charrnn.errors import ConfigError, RunError
from tui_charrnn.text.corpus_reading import read_corpus

RECIPE: Final = (
    *("train.py", "config/train_shakespeare_char.py", "--device=cpu", "--compile=False"),
    *("--log_interval=1", "--block_size=64", "--batch_size=12"),
    *("--n_layer=4", "--n_head=4", "--n_embd=128", "--dropout=0.0"),
)
"""What nanoGPT's README gives for a processor; its iterations are added for the budget, and it is
evaluated on 200 batches, as its configuration has it, where the README takes 20 to save time."""
TRIAL_ITERATIONS: Final = 120
_ITERATION: Final = re.compile(r"^iter (\d+): loss [\d.]+, time ([\d.]+)ms")
_EVALUATION: Final = re.compile(r"^step (\d+): train loss [\d.]+, val loss ([\d.]+)")


@dataclass(frozen=True, slots=True)
class Score:
    """One evaluation: seconds of training before it, without those of evaluations."""

    elapsed: float
    step: int
    loss: float


def read_scores(lines: Iterable[str]) -> list[Score]:
    """The evaluations in what `train.py` printed.

    The time of an iteration with an evaluation holds both, so the median iteration stands for it.
    """
    times: dict[int, float] = {}
    losses: dict[int, float] = {}
    for line in lines:
        if found := _ITERATION.match(line):
            times[int(found[1])] = float(found[2]) / 1000
        elif found := _EVALUATION.match(line):
            losses[int(found[1])] = float(found[2])
    middle = statistics.median(times.values()) if times else 0.0
    scores, elapsed, step = [], 0.0, 0
    for at, loss in losses.items():
        while step < at:
            elapsed += middle if step in losses else times[step]
            step += 1
        scores.append(Score(elapsed, at, loss))
    return scores


def train(options: argparse.Namespace, iterations: int, evaluations: int) -> list[str]:
    """Run `train.py` for so many iterations and return the lines that it printed.

    Raises:
        RunError: If it failed.
    """
    interval = max(1, iterations // evaluations)
    command = [
        *(options.torch_python, *RECIPE, f"--max_iters={iterations}"),
        *(f"--lr_decay_iters={iterations}", f"--eval_interval={interval}"),
    ]
    process = subprocess.Popen(
        command, cwd=options.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    lines = []
    for line in process.stdout or ():
        lines.append(line.rstrip("\n"))
        if _EVALUATION.match(line):
            narrate(lines[-1])
    if process.wait() != 0:
        raise RunError(f"nanoGPT's train.py ended with {process.returncode}: {lines[-1:]}")
    return lines


def measure(options: argparse.Namespace) -> None:
    """Prepare the text, time some iterations, train for the budget and print the curve.

    Raises:
        ConfigError: If the folder is not a checkout of nanoGPT.
        CorpusError: If the text cannot be read.
        RunError: If one of its programs failed.
    """
    data = options.folder / "data" / "shakespeare_char"
    if not (data / "prepare.py").is_file():
        raise ConfigError(f"--folder takes a checkout of nanoGPT. Received: {options.folder}")
    warn_unless_quiet()
    machine = describe_machine()
    (data / "input.txt").write_text(read_corpus([options.text]).text, encoding="utf-8")
    if subprocess.run([options.torch_python, data / "prepare.py"], check=False).returncode != 0:
        raise RunError("nanoGPT's prepare.py failed; see above. It needs the package requests.")
    trial = [_ITERATION.match(line) for line in train(options, TRIAL_ITERATIONS, 1)]
    times = [float(found[2]) for found in trial if found is not None]
    iterations = int(options.budget * 1000 / statistics.median(times[20:]))
    scores = read_scores(train(options, iterations, options.evaluations))
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    print(f"{iterations:,} iterations planned for {options.budget:g} s\n")
    rows = [[f"{score.elapsed:.1f}", f"{score.step:,}", f"{score.loss:.4f}"] for score in scores]
    print(markdown_table(["seconds of training", "step", "loss (nats)"], rows))
    document = {"machine": machine, "scores": [asdict(score) for score in scores]}
    write_json(options.json, document)


def main() -> int:
    """The command; the result is the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nanogpt", description=__doc__)
    add_common_options(parser)
    parser.add_argument("--folder", type=Path, required=True, help="a checkout of nanoGPT")
    parser.add_argument("--budget", type=float, default=600.0, help="seconds (default: 600)")
    parser.add_argument("--evaluations", type=int, default=12, help="in the budget (default: 12)")
    parser.add_argument(
        "--torch-python", default=sys.executable, metavar="PYTHON", help="interpreter with PyTorch"
    )
    options = parser.parse_args()
    return run_command(lambda: measure(options))


if __name__ == "__main__":
    sys.exit(main())
