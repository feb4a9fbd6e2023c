"""What the instruments cost: how far back a model looks, the trainer's share of it, gaps filled.

Usage: python -m benchmarks.instruments_speed [--hidden-size 512] [--rounds 3]

Seconds are those of a core (`time.process_time` with one thread), which hold on a busy machine too.
"""

import argparse
import os
import time
from collections.abc import Callable
from statistics import median
from typing import Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from benchmarks.tables import markdown_table
from tui_charrnn.config import ModelConfig
from tui_charrnn.generation.filling import Filler
from tui_charrnn.lens.influence import ForwardPass, measure_memory
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.shapes import tensor_shapes
from tui_charrnn.model.weights import weights_from_tensors
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.training.instruments import REACH, TARGETS

SIGNS: Final = "".join(map(chr, range(ord("0"), ord("0") + 65)))
VOCABULARY: Final = len(SIGNS)
BEAM: Final = 200
SIDE: Final = 32
"""Characters to the left of two gaps, and to the right of them."""
CELLS: Final = ("lstm", "lstm+norm", "gru", "rnn")
BARS: Final = ("1 s", "30 s", "1 % of the work", "2 s")


def seconds(work: Callable[[], object], rounds: int) -> float:
    """The median of some rounds, in seconds of a core."""
    taken = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return median(taken)


def measured(cell: str, hidden_size: int, rounds: int) -> list[str]:
    """A row: the cell, and what each measurement takes."""
    kind, _, norm = cell.partition("+")
    config = ModelConfig(
        cell=kind, layer_norm=bool(norm), hidden_size=hidden_size, embedding_size=64
    )
    rng = np.random.default_rng(0)
    tensors = {
        name: (0.05 * rng.standard_normal(shape)).astype(np.float32)
        for name, shape in tensor_shapes(config, VOCABULARY).items()
    }
    weights = weights_from_tensors(tensors, config)
    text = rng.integers(0, VOCABULARY, 20_000)
    places = np.linspace(REACH, 239, TARGETS).astype(np.intp)

    def one() -> None:
        ForwardPass(weights, config, text[:201]).influence(np.array([200]), 200)

    def recorded() -> None:
        ForwardPass(weights, config, text[:240]).influence(places, REACH)

    filler = Filler(Model(config, Vocabulary(SIGNS), weights, {}, {}))
    left, right = (
        "".join(SIGNS[each] for each in text[begin : begin + SIDE]) for begin in (0, SIDE)
    )
    found = (
        seconds(one, rounds),
        seconds(lambda: measure_memory(weights, config, text), 1),
        seconds(recorded, rounds),
        seconds(lambda: filler.fill((left, "", right), beam=BEAM), rounds),
    )
    return [cell, *(f"{each:.3f}" for each in found)]


def main() -> None:
    """Measure every cell, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hidden-size", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    rows = [measured(cell, given.hidden_size, given.rounds) for cell in CELLS]
    heads = ["cell", "200 back", "20,000 characters", "a record of the trainer", "two gaps"]
    print(markdown_table(heads, [*rows, ["bar", *BARS]]))


if __name__ == "__main__":
    main()
