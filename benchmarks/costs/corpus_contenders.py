"""`python -m benchmarks.costs.corpus_contenders NAME PATH`: turns a text into numbers, once.

Each contender is a process of its own on one core, and prints one JSON document: seconds, and those
in which the core was at work on it, peak memory (bytes), characters, how many are different, and a
sum that shows that all did the same work.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.text.numbered_text import IndexedText
from tui_charrnn.text.vocabulary import Vocabulary

Encoded = tuple[npt.NDArray[Any] | IndexedText, int]
"""The index of every character, as many as there are, and how many are different."""

_SUMMED: Final = 1 << 22
"""Characters whose indices are summed."""


def read_ours(path: Path) -> Encoded:
    """What the program does."""
    corpus = read_corpus([str(path)])
    vocabulary = Vocabulary("".join(sorted(corpus.numbered.characters)))
    return corpus.numbered.indices(vocabulary), len(vocabulary)


def loop_over_characters(path: Path) -> Encoded:
    """As most programs do it: the text in memory, a set, a dictionary, a loop."""
    text = path.read_text(encoding="utf-8")
    characters = sorted(set(text))
    index_of = {character: index for index, character in enumerate(characters)}
    return np.array([index_of[character] for character in text], np.int32), len(characters)


def decode_in_tensorflow(path: Path) -> Encoded:
    """TensorFlow's own decoder, then `tf.unique` and a table of code points."""
    # deferred: 600 MB that the other contenders are not to be charged with
    import tensorflow as tf  # noqa: PLC0415  as said

    codes = tf.strings.unicode_decode(path.read_bytes(), "UTF-8")
    characters = tf.sort(tf.unique(codes).y)
    index_of = tf.scatter_nd(
        characters[:, tf.newaxis], tf.range(len(characters)), [int(characters[-1]) + 1]
    )
    return tf.gather(index_of, codes).numpy(), len(characters)


CONTENDERS: Final[dict[str, Callable[[Path], Encoded]]] = {
    "ours": read_ours,
    "python loop": loop_over_characters,
    "tensorflow": decode_in_tensorflow,
}


def main() -> int:
    """Do the work, then say what it took."""
    name, path = sys.argv[1], Path(sys.argv[2])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if name == "tensorflow":
        import tensorflow  # noqa: F401, PLC0415  loading it is not what is timed
    began, core_began = time.perf_counter(), time.process_time()
    indices, different = CONTENDERS[name](path)
    seconds, core_seconds = time.perf_counter() - began, time.process_time() - core_began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    total = int(np.asarray(indices[:_SUMMED]).sum(dtype=np.int64))
    facts = {
        "seconds": seconds,
        "core_seconds": core_seconds,
        "peak_memory": peak,
        "characters": len(indices),
        "different": different,
        "sum": total,
    }
    print(json.dumps(facts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
