"""The neuron finder and the x-ray beside scoring and generating, in turns: one process, one thread.

Usage: OPENBLAS_NUM_THREADS=1 python -m benchmarks.lens_rounds HIDDEN_SIZE ROUNDS CHARACTERS
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from benchmarks.generation.ours import open_stream
from benchmarks.generation.task import Task
from benchmarks.rounds import rotated
from tui_charrnn.generation.scoring import TextScorer
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.lens.neurons import NeuronFinder
from tui_charrnn.lens.reading import predict_each, view_layers

_SLOW: Final = 64
"""How many times fewer characters are generated one by one."""
_ALTERNATIVES: Final = 10
_BLOCK: Final = 1 << 20
"""Characters that are handed over at a time, as by the commands."""

Work = tuple[int, Callable[[], object]]
"""How many characters a contender takes in a round, and how."""


def main() -> None:
    """Measure, and print the seconds for a character of every contender and round as JSON."""
    size, rounds, characters = map(int, sys.argv[1:])
    stream = open_stream(Task(size))
    contenders = {
        **_readers(stream, characters),
        **_generators(stream, max(1, characters // _SLOW)),
    }
    told: dict[str, dict[str, list[float]]] = {
        name: {"seconds": [], "core_seconds": []} for name in contenders
    }
    for number in range(rounds):
        for name in rotated(list(contenders), number):
            count, work = contenders[name]
            began, began_busy = time.perf_counter(), time.process_time()
            work()
            told[name]["seconds"].append((time.perf_counter() - began) / count)
            told[name]["core_seconds"].append((time.process_time() - began_busy) / count)
    print(json.dumps(told))


def _readers(stream: CharacterStream, characters: int) -> dict[str, Work]:
    """Those who read the same random text."""
    model = stream.model
    rng = np.random.default_rng(0)
    text = model.vocabulary.decode(rng.integers(0, len(model.vocabulary), characters))
    blocks = [text[start : start + _BLOCK] for start in range(0, len(text), _BLOCK)]

    def score() -> None:
        scorer = TextScorer(model)
        for block in blocks:
            scorer.score(block)

    return {
        "neurons": (characters, lambda: NeuronFinder(model).find(blocks)),
        "scoring": (characters, score),
    }


def _generators(stream: CharacterStream, count: int) -> dict[str, Work]:
    """Generation, and generation with all that can be seen of every character."""

    def generate() -> None:
        for _ in range(count):
            stream.next()

    def watch() -> None:
        for _ in range(count):
            said = stream.next()
            predict_each(stream.logits[None], np.array([said.index]), _ALTERNATIVES)
            view_layers(stream.layers)

    return {"generating": (count, generate), "watched": (count, watch)}


if __name__ == "__main__":
    main()
