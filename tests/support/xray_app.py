"""The x-ray as the tests see it: which look each character has, and what it ought to be."""

from dataclasses import dataclass

import numpy as np
from rich.style import Style
from textual.pilot import Pilot

from tests.support.tiny_model import tiny_model
from tests.support.waiting import wait_until
from tui_charrnn.generation.lstm import Stepper, fold_embedding
from tui_charrnn.tui.widgets.spoken_text import SpokenText

BORDERS = {"surprise": (1, 2, 4, 7), "entropy": (0.5, 1, 2, 3), "probability": (1, 5, 20, 50)}


@dataclass(frozen=True)
class Naive:
    """The numbers of one character, by the definitions."""

    probability: float
    surprise: float
    entropy: float
    probabilities: list[float]

    def level(self, measure: str) -> int:
        """How many borders the number has reached; of a probability, how many it has not."""
        value = getattr(self, measure) * (100 if measure == "probability" else 1)
        reached = sum(value >= border for border in BORDERS[measure])
        return 4 - reached if measure == "probability" else reached


def naive_numbers(indices: list[int]) -> list[Naive]:
    """What the tiny model expects of each character of a text that begins as after a newline."""
    model = tiny_model()
    stepper = Stepper(fold_embedding(model.weights, model.config))
    numbers = []
    for before, index in zip([0, *indices], indices, strict=False):
        logits = [float(logit) for logit in stepper.read(before)]
        total = sum(np.exp(logit) for logit in logits)
        shares = [float(np.exp(logit) / total) for logit in logits]
        entropy = -sum(share * np.log2(share) for share in shares)
        numbers.append(Naive(shares[index], -float(np.log2(shares[index])), float(entropy), shares))
    return numbers


def looks_in_view(spoken: SpokenText) -> dict[int, Style]:
    """How each character of the continuation is drawn, by its position; from the drawn rows."""
    looks: dict[int, Style] = {}
    top = spoken._wrapped.first + spoken.scroll_offset.y
    for y in range(spoken.scrollable_content_region.height):
        cells = [
            segment.style or Style() for segment in spoken.render_line(y) for _ in segment.text
        ]
        for position, start, _ in spoken.positions_in_row(top + y):
            if start < len(cells):
                looks[position] = cells[start]
    return looks


def level_look(spoken: SpokenText, level: int) -> Style:
    """How a character of a level is drawn."""
    return spoken.get_component_rich_style(f"xray--{level}", partial=True)


async def read_in_view(pilot: Pilot[None], spoken: SpokenText) -> None:
    """Wait until all that is in view is known, and its place as well."""
    await wait_until(
        pilot,
        "the numbers of what is in view",
        lambda: (
            spoken.seen is not None
            and bool(looks_in_view(spoken))
            and all(spoken.expected(position) is not None for position in looks_in_view(spoken))
        ),
    )
    await pilot.pause()
