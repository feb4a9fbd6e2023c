"""No generation: how often a second the recurrent weights can be read, and nothing else done."""

import sys

import numpy as np

from benchmarks.generation.task import FIRST_CHARACTERS, Task
from benchmarks.speed.contenders.serving import serve


def main() -> None:
    """Serve; the largest number of an array is the fastest that NumPy reads all of it."""
    size = Task.from_json(sys.argv[1]).hidden_size
    weights = np.random.default_rng(0).standard_normal((size, 4 * size)).astype(np.float32)
    serve(lambda _: float(weights.max()), FIRST_CHARACTERS, {"bytes": weights.nbytes})


if __name__ == "__main__":
    main()
