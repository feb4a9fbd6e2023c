"""Generation and scoring by one model in turns: a process of its own, one thread a product.

Usage: OPENBLAS_NUM_THREADS=1 python -m benchmarks.score_rounds HIDDEN_SIZE ROUNDS CHARACTERS
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from benchmarks.generation.ours import open_stream
from benchmarks.generation.task import Task
from benchmarks.rounds import rotated
from tui_charrnn.generation.scoring import TextScorer

_SLOW: Final = 64
"""How many times fewer characters are read one by one."""
_BLOCK: Final = 1 << 20
"""Characters that are handed over at a time at most, as by the commands."""


def main() -> None:
    """Measure, and print the rates of every contender and round as JSON."""
    size, rounds, characters = map(int, sys.argv[1:])
    stream = open_stream(Task(size))
    model, threads = stream.model, len(os.sched_getaffinity(0))
    rng = np.random.default_rng(0)
    text = model.vocabulary.decode(rng.integers(0, len(model.vocabulary), min(characters, _BLOCK)))
    one = TextScorer(model, streams=1)
    several = TextScorer(model, threads=threads)
    rounded = TextScorer(replace(model, numbers="int8"), threads=threads)
    contenders: dict[str, tuple[int, Callable[[], object]]] = {
        "generating": (
            len(text) // _SLOW,
            lambda: [stream.next() for _ in range(len(text) // _SLOW)],
        ),
        "one stream": (len(text) // _SLOW, lambda: one.score(text[: len(text) // _SLOW])),
        "side by side": (len(text), lambda: several.score(text)),
        "in int8": (len(text), lambda: rounded.score(text)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    busy: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name in rotated(list(contenders), number):
            began, began_busy = time.perf_counter(), time.process_time()
            contenders[name][1]()
            if number:  # the first round is for warming up
                seconds[name].append(time.perf_counter() - began)
                busy[name].append(time.process_time() - began_busy)
    told = {
        name: {
            "rates": [count / value for value in seconds[name]],
            "core_rates": [count / value for value in busy[name]],
        }
        for name, (count, _) in contenders.items()
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
