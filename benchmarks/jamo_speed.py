"""What composing costs: a stream of jamo beside the same model that predicts characters.

Usage: python -m benchmarks.jamo_speed [--hidden-size 128] [--rounds 7] [--characters 4000]

Seconds are those of a core (`time.process_time` with one thread), in turns, which hold on a busy
machine too.
"""

import argparse
import io
import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from benchmarks.rounds import Bar, median_ratio, rotated
from benchmarks.tables import markdown_table
from tui_charrnn.cli.output import TextOutput
from tui_charrnn.config import ModelConfig, SamplingConfig
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.hangul import FINALS, INITIALS, MEDIALS
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.shapes import tensor_shapes
from tui_charrnn.model.weights import weights_from_tensors
from tui_charrnn.text.vocabulary import Vocabulary

BAR: Final = Bar(0.9)
OUTPUTS: Final = {"pipe": None, "terminal": "utf-8"}


def jamo_model(hidden_size: int) -> Model:
    """A model of random weights that knows all jamo, a blank and a line feed."""
    config = ModelConfig(hidden_size=hidden_size, embedding_size=64)
    vocabulary = Vocabulary("\n ." + "".join(sorted(INITIALS | MEDIALS | FINALS)))
    rng = np.random.default_rng(0)
    tensors = {
        name: (rng.standard_normal(shape) / hidden_size**0.5).astype(np.float32)
        for name, shape in tensor_shapes(config, len(vocabulary)).items()
    }
    weights = weights_from_tensors(tensors, config)
    return Model(config, vocabulary, weights, corpus={"units": "jamo"}, training={})


def generation(model: Model, encoding: str | None, characters: int) -> Callable[[], float]:
    """Generates a text and writes it; returns the characters of a second of a core."""

    def work() -> float:
        stream = CharacterStream(model, SamplingConfig(rng_seed=0))
        output = TextOutput(io.BytesIO(), terminal_encoding=encoding)
        if model.units == "jamo":
            output.join_syllables(lambda: 80)
        began = time.process_time()
        for _ in range(characters):
            output.write(stream.next().character)
        output.close()
        return characters / (time.process_time() - began)

    return work


def main() -> None:
    """Measure in turns, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hidden-size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--characters", type=int, default=4_000)
    given = parser.parse_args()
    jamo = jamo_model(given.hidden_size)
    models = {"jamo": jamo, "characters": replace(jamo, corpus={})}
    works = {
        (output, units): generation(model, encoding, given.characters)
        for output, encoding in OUTPUTS.items()
        for units, model in models.items()
    }
    rates: dict[tuple[str, str], list[float]] = {each: [] for each in works}
    for number in range(given.rounds):
        for each in rotated(list(works), number):
            rates[each].append(works[each]())
    rows = []
    for output in OUTPUTS:
        ours, plain = rates[output, "jamo"], rates[output, "characters"]
        ratio = median_ratio(ours, plain)
        medians = [f"{np.median(each):,.0f}" for each in (ours, plain)]
        rows.append([output, *medians, f"{ratio:.3f}", BAR.verdict(ratio)])
    heads = ["to a", "jamo a second", "without composing", "ratio", f"at least {BAR.limit}"]
    print(markdown_table(heads, rows))


if __name__ == "__main__":
    main()
