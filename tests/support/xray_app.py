"""The x-ray as the tests see it: which look each character has, and what it ought to be."""

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.style import Style
from textual.pilot import Pilot

from tests.support.open_app import note_of, settings_of, tiny_app
from tests.support.tape_app import LENGTH, SETTINGS, TapeApp
from tests.support.tiny_model import (
    CORPUS,
    TINY_VOCABULARY,
    TRAINING,
    random_tensors,
    tiny_config,
)
from tests.support.waiting import wait_until
from tui_charrnn.config import ModelConfig
from tui_charrnn.generation.lstm import Stepper, fold_embedding
from tui_charrnn.model.checkpoint import Model, serialize_model
from tui_charrnn.model.weights import Float32, weights_from_tensors
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.text_pane import TextPane

BORDERS = {"surprise": (1, 2, 4, 7), "entropy": (0.5, 1, 2, 3), "probability": (1, 5, 20, 50)}

LEAST_LEVELS = 3
"""Minimum number of different levels in view, so that a comparison means something."""


@dataclass(frozen=True)
class Naive:
    """The numbers of one character, by the definitions."""

    probability: float
    surprise: float
    entropy: float
    probabilities: list[float]

    def level(self, measure: str) -> int:
        """How many borders the number has reached; of a probability, how many it has not."""
        value: float = getattr(self, measure) * (100 if measure == "probability" else 1)
        reached = sum(value >= border for border in BORDERS[measure])
        return 4 - reached if measure == "probability" else reached


def sure_model(config: ModelConfig | None = None) -> Model:
    """The tiny model with weights so large that it expects some characters far more than others."""
    config = config or tiny_config()
    return Model(
        config=config,
        vocabulary=Vocabulary(TINY_VOCABULARY),
        weights=weights_from_tensors(_large_tensors(config), config),
        corpus=CORPUS,
        training=TRAINING,
    )


def _large_tensors(config: ModelConfig) -> dict[str, Float32]:
    tensors = random_tensors(config, len(TINY_VOCABULARY))
    return {name: 6 * tensor for name, tensor in tensors.items()}


def naive_numbers(indices: list[int], seed: Sequence[int] = ()) -> list[Naive]:
    """What the model expects of each character of a text.

    Args:
        indices: The text, by number.
        seed: What stands before it; nothing is a newline.
    """
    model = sure_model()
    stepper = Stepper(fold_embedding(model))
    for index in (befores := list(seed) or [0])[:-1]:
        stepper.read(index)
    numbers = []
    for before, index in zip([befores[-1], *indices], indices, strict=False):
        logits = [float(logit) for logit in stepper.read(before)]
        total = sum(math.exp(logit) for logit in logits)
        shares = [math.exp(logit) / total for logit in logits]
        entropy = -sum(share * math.log2(share) for share in shares)
        numbers.append(Naive(shares[index], -math.log2(shares[index]), entropy, shares))
    return numbers


@asynccontextmanager
async def xray_app(
    folder: Path,
    *,
    size: tuple[int, int],
    length: int = LENGTH,
    is_ascii: bool = False,
    config: ModelConfig | None = None,
) -> AsyncIterator[TapeApp]:
    """Open the app, wait for a text of so many characters, and put the focus on it."""
    app = sure_app(folder, config)
    app.is_ascii = is_ascii
    settings = settings_of(app)
    settings.speed, settings.length, settings.sampling = None, length, SETTINGS
    async with app.run_test(size=size) as pilot:
        await wait_until(pilot, "the end", lambda: f"{length} characters." in note_of(app))
        app.main.text_pane.view.focus()
        yield TapeApp(app, pilot)


def sure_app(folder: Path, config: ModelConfig | None = None) -> CharRNNApp:
    """An app that generates with that model."""
    app, config = tiny_app(folder), config or tiny_config()
    data = serialize_model(
        _large_tensors(config),
        config,
        Vocabulary(TINY_VOCABULARY),
        corpus=CORPUS,
        training=TRAINING,
    )
    (folder / "tiny.safetensors").write_bytes(data)
    return app


async def color(app: TapeApp, name: str | None) -> None:
    """Press the key of the x-ray until the text is colored by something, or by nothing."""
    for _ in range(10):
        now = app.colors.coloring
        if (None if now is None else now.name) == name:
            return
        await app.pilot.press("x")
    raise AssertionError(f"There is no coloring {name!r}")


def looks_in_view(pane: TextPane) -> dict[int, Style]:
    """How each character of the continuation is drawn, by its position; from the drawn rows."""
    looks: dict[int, Style] = {}
    top = pane.view.top
    for y in range(pane.view.scrollable_content_region.height):
        cells = [
            segment.style or Style() for segment in pane.view.render_line(y) for _ in segment.text
        ]
        for position, start, _ in pane.text.positions_in_row(top + y):
            if start < len(cells):
                looks[position] = cells[start]
    return looks


def level_look(pane: TextPane, level: int, name: str = "xray-rising") -> Style:
    """How a character of a level is drawn; `xray-diverging` is the scale with a middle."""
    return pane.view.get_component_rich_style(f"{name}--{level}", partial=True)


async def read_in_view(pilot: Pilot[None], pane: TextPane) -> None:
    """Wait until all that is in view is known, and its place as well."""
    await wait_until(
        pilot,
        "the numbers of what is in view",
        lambda: (
            pane.xray.text_colors.seen is not None
            and (reading := pane.xray.text_colors.reading) is not None
            and bool(looks_in_view(pane))
            and all(
                reading.expected(pane.text.branch, position) is not None
                for position in looks_in_view(pane)
            )
        ),
    )
    await pilot.pause()


def check_looks(pane: TextPane, measure: str, seed: Sequence[int] = ()) -> None:
    """Every character in view has the look of the level that its number gives."""
    assert pane.text.tree is not None
    numbers = naive_numbers(pane.text.tree.indices(pane.text.branch), seed)
    cursor = pane.cursor.at[1] if pane.cursor.at is not None else None
    looks = {place: look for place, look in looks_in_view(pane).items() if place != cursor}
    levels = {position: numbers[position].level(measure) for position in looks}
    assert len(set(levels.values())) >= LEAST_LEVELS
    for position, look in looks.items():
        wanted = level_look(pane, levels[position])
        for side in ("color", "bold", "underline", "reverse"):
            assert getattr(look, side) == getattr(wanted, side), (position, side)
