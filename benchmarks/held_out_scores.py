"""The held-out text scored in two ways: with state carried, and in windows read from nothing.

Usage: python -m benchmarks.held_out_scores RUN [--windows 64,256] [--json FILE]

A recurrent network carries its state over the whole text; a transformer sees one window and knows
nothing before it. Figures of transformers on a text are means over the positions of such windows,
so the second way is the one that is comparable with them.
"""

import argparse
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, Protocol

from benchmarks.command_line import parse_numbers, run_command, write_json
from tui_charrnn.errors import RunError
from tui_charrnn.model.checkpoint import Model, load_model
from tui_charrnn.model.weights import Float32, tensors_from_weights
from tui_charrnn.runs.checkpoints import best_or_newest
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description
from tui_charrnn.text.batches import HeldOutWindows
from tui_charrnn.text.batches import Indices as TextIndices
from tui_charrnn.training.loop import Indices, Windows
from tui_charrnn.training.preparation import cut_material, prepare_text

SLICE_ROWS: Final = 64
"""Windows that are scored side by side: all of a text at once would not fit into memory."""


class ScoringEngine(Protocol):
    """What scoring needs of an engine."""

    def evaluate(self, windows: Windows, should_stop: Callable[[], bool]) -> float | None:
        """Mean loss over the weighted positions of windows, state carried from one to the next."""
        ...


def cold_windows(text: TextIndices, length: int) -> HeldOutWindows:
    """A text cut into windows, one a stream, each to be read from a zero state.

    Every character but the first is predicted exactly once, those at the beginning of a window
    too.

    Args:
        text: Shape (N,).
        length: Characters of a window; some have one less, so that all are nearly alike.

    Raises:
        CorpusError: If the text has no character to predict.
    """
    count = math.ceil((len(text) - 1) / length)
    return HeldOutWindows(text, stream_count=count, sequence_length=length)


def sliced(windows: Windows, rows: int) -> Iterator[tuple[Indices, Indices, Float32]]:
    """Windows of a few rows out of windows of many; the last has what is left.

    Args:
        windows: Inputs, targets and weights, shape (R, T) each.
        rows: At most so many rows at a time.
    """
    for inputs, targets, weights in windows:
        for first in range(0, len(inputs), rows):
            part = slice(first, first + rows)
            yield inputs[part], targets[part], weights[part]


def score_cold(engine: ScoringEngine, text: TextIndices, length: int) -> float:
    """Mean loss of a text in cold windows, nats per character."""
    total, count = 0.0, 0.0
    for window in sliced(cold_windows(text, length), SLICE_ROWS):
        weight = float(window[2].sum())
        total += weight * _loss(engine, [window])  # a scoring of its own begins with zero states
        count += weight
    return total / count


def score_run(run: RunDirectory, lengths: Iterable[int]) -> dict[str, float]:
    """Losses of a run's best model on its held-out text.

    Args:
        run: It has a checkpoint.
        lengths: Of cold windows, in characters.

    Returns:
        `carried`, and the length of each window, in nats per character.

    Raises:
        RunError: If there is no run, or no checkpoint in it.
        CorpusError: If its text cannot be read or has changed.
    """
    description = read_description(run)
    text = prepare_text(run, description)
    checkpoint = best_or_newest(run)
    if checkpoint is None:
        raise RunError(f"{run.path} has no checkpoint to score.")
    material = cut_material(text, description.training)
    engine = _build_engine(load_model(checkpoint.model))
    losses = {"carried": _loss(engine, material.heldout)}
    return losses | {str(length): score_cold(engine, text.heldout, length) for length in lengths}


def _build_engine(model: Model) -> ScoringEngine:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # deferred: TensorFlow takes seconds, and whoever only reads a run needs none
    from tui_charrnn.config import TrainingConfig  # noqa: PLC0415  beside the engine
    from tui_charrnn.training.engine.engine import Engine  # noqa: PLC0415  see above
    from tui_charrnn.training.engine.paths import configure_devices  # noqa: PLC0415  see above

    config = TrainingConfig(steps=1, batch_size=1)  # of an engine that will not train
    configure_devices(None, config.batch_size)
    engine = Engine(model.config, config, len(model.vocabulary), config.batch_size)
    weights = tensors_from_weights(model.weights, model.config)
    engine.restore(weights, engine.training_tensors())
    return engine


def _loss(engine: ScoringEngine, windows: Windows) -> float:
    loss = engine.evaluate(windows, lambda: False)
    if loss is None:
        raise RunError("The scoring was stopped although nobody asked for it.")
    return loss


def main() -> int:
    """The command; the result is the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.held_out_scores")
    parser.add_argument("run", type=Path, help="run directory")
    parser.add_argument("--windows", default="64,256", help="lengths (default: 64,256)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the losses here")
    options = parser.parse_args()

    def work() -> None:
        losses = score_run(RunDirectory(options.run), parse_numbers(options.windows, "--windows"))
        for name, loss in losses.items():
            print(f"{name}\t{loss:.4f}")
        write_json(options.json, losses)

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main())
