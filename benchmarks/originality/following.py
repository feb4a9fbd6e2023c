"""Follows a generated text, in turns with peers; runs in a separate process.

Usage: python -m benchmarks.originality.following CORPUS SAID ROUNDS
"""

import itertools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.originality.building import GRAM, grams_of
from benchmarks.rounds import rotated
from tui_charrnn.config import SamplingConfig
from tui_charrnn.folders import bundled_models
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.text.originality import OriginalityMeter
from tui_charrnn.text.suffix_index import SuffixIndex

FOLLOWED: Final = 20_000
"""Characters of a round."""
_SEARCHED: Final = 200
"""Characters of a round for those that search the whole corpus for each."""


def text_of_bundled_model(characters: int) -> str:
    """Text as the program says it: copied here and there, new for the most part."""
    stream = bundled_stream()
    return "".join(stream.next().character for _ in range(characters))


def bundled_stream() -> CharacterStream:
    """The bundled model, at temperature 0.8."""
    model = load_model(next(iter(bundled_models().values())))
    return CharacterStream(model, SamplingConfig(temperature=0.8, rng_seed=1))


def searched_lengths(corpus: str, said: str) -> list[int]:
    """The same lengths by Python's search for substrings, which begins anew for every character."""
    lengths, length = [], 0
    for end in range(1, len(said) + 1):
        length += 1
        while said[end - length : end] not in corpus:
            length -= 1
        lengths.append(length)
    return lengths


def main() -> None:
    """Measure, and print characters per second of a core by contender, one a round, as JSON."""
    corpus, said = (Path(path).read_text(encoding="utf-8") for path in sys.argv[1:3])
    index, grams, rounds = SuffixIndex.of(corpus), grams_of(corpus), int(sys.argv[3])
    stream = bundled_stream()

    def follow() -> None:
        meter = OriginalityMeter(index)
        for character in said:
            meter.add(character)

    def generate_and_follow() -> None:
        meter = OriginalityMeter(index)
        for _ in range(len(said)):
            meter.add(stream.next().character)

    contenders: dict[str, tuple[int, Callable[[], object]]] = {
        "index": (len(said), follow),
        "set of 20-grams": (
            len(said),
            lambda: [said[place : place + GRAM] in grams for place in range(len(said))],
        ),
        "searching": (_SEARCHED, lambda: searched_lengths(corpus, said[:_SEARCHED])),
        "generating": (len(said), lambda: [stream.next() for _ in range(len(said))]),
        "generating and index": (len(said), generate_and_follow),
    }
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for number, name in itertools.chain.from_iterable(
        ((number, name) for name in rotated(list(contenders), number))
        for number in range(rounds + 1)
    ):
        characters, work = contenders[name]
        began = time.process_time()  # one thread, so what a busy machine leaves to be compared
        work()
        if number:  # the first round is for warming up
            rates[name].append(characters / (time.process_time() - began))
    print(json.dumps(rates))


if __name__ == "__main__":
    main()
