"""Samples of the pinned seeds over the course of training: selects and describes one."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from tui_charrnn.runs.records import MemoryMeasured, SampleTaken
from tui_charrnn.translation import tr
from tui_charrnn.viewing.formatting import format_distance
from tui_charrnn.viewing.run_view import RunView

MAX_PLAYED: Final = 60
"""Maximum samples in a playback: a minute at one a second."""


@dataclass(slots=True)
class Scrubber:
    """The samples of each pinned seed, ordered by step, and the selected one."""

    samples: dict[str, list[SampleTaken]] = field(default_factory=dict)
    """By seed text, in the order in which seeds were pinned; no list is empty."""
    seed_text: str = ""
    """The selected seed."""
    index: int | None = None
    """Index of the selected sample; None follows the newest."""

    @property
    def of_seed(self) -> list[SampleTaken]:
        """The samples of the selected seed."""
        return self.samples.get(self.seed_text, [])

    @property
    def position(self) -> int:
        """The index of the selected sample; -1 if there is none."""
        newest = len(self.of_seed) - 1
        return newest if self.index is None else self.index

    @property
    def sample(self) -> SampleTaken | None:
        """The selected sample; None if there is none."""
        return self.of_seed[self.position] if self.of_seed else None

    @property
    def seed_number(self) -> int:
        """The number of the selected seed, from 1; 0 if there is none."""
        seeds = list(self.samples)
        return seeds.index(self.seed_text) + 1 if self.seed_text in seeds else 0

    def take(self, samples: Sequence[SampleTaken], pinned: Sequence[str]) -> None:
        """Replace all samples, which are ordered by step; the newest stays selected if it was."""
        found: dict[str, list[SampleTaken]] = {seed_text: [] for seed_text in pinned}
        for sample in samples:  # seeds that were not pinned come last
            found.setdefault(sample.seed_text, []).append(sample)
        self.samples = {seed_text: taken for seed_text, taken in found.items() if taken}
        if self.seed_text not in self.samples:
            self.seed_text, self.index = next(iter(self.samples), ""), None
        if self.index is not None:
            self.select(self.index)

    def select(self, index: int) -> None:
        """Select a sample by index, within bounds; the last index follows the newest."""
        newest = len(self.of_seed) - 1
        self.index = max(0, index) if index < newest else None

    def move(self, by: int) -> None:
        """Select an earlier or a later sample."""
        self.select(self.position + by)

    def turn_seed(self, by: int = 1) -> None:
        """Select another seed, at the same step if it was sampled there."""
        if self.sample is None:
            return
        step, seeds = self.sample.step, list(self.samples)
        self.seed_text = seeds[(self.seed_number - 1 + by) % len(seeds)]
        if self.index is not None:
            self.select(bisect_left(self.of_seed, step, key=lambda sample: sample.step))


def even_places(count: int, width: int) -> list[int]:
    """Evenly spaced places, `count` from 0 to `width` - 1: columns of a slider, or samples to play.

    They are not spaced by step: the first steps grow tenfold and would share one column.
    """
    if width < 1:
        return []
    return [round(index * (width - 1) / max(1, count - 1)) for index in range(count)]


def losses_at(view: RunView, steps: Iterable[int]) -> list[float]:
    """The validation loss after each of some steps, in nats per character; NaN where unknown.

    At step 0 it is that of the uniform baseline.
    """
    known = {scored.step: scored.loss for scored in view.evaluations}
    if view.baselines is not None and 0 in view.baselines.orders:
        uniform = view.baselines.losses[view.baselines.orders.index(0)]
        known.setdefault(0, uniform)
    return [known.get(step, math.nan) for step in steps]


def stretched(values: Sequence[float], width: int) -> list[float]:
    """Resample values to `width` columns by linear interpolation."""
    if not values:
        return []
    places = np.linspace(0, len(values) - 1, width)
    columns: list[float] = np.interp(places, np.arange(len(values)), values).tolist()
    return columns


def nearest_mark(columns: Sequence[int], column: int) -> int:
    """The index of the mark that is nearest to a column; of several in one column, the last."""
    return min(range(len(columns)), key=lambda index: (abs(columns[index] - column), -index))


def format_facts(view: RunView, sample: SampleTaken) -> list[str]:
    """Known facts at a sample's step: step, epoch, memory and, last, validation loss."""
    parts = [tr("step {step:,}", step=sample.step)]
    if view.plan is not None and view.plan.steps_per_epoch:
        parts.append(tr("epoch {epoch:.1f}", epoch=sample.step / view.plan.steps_per_epoch))
    place = bisect_left(view.evaluations, sample.step, key=lambda scored: scored.step)
    if place < len(view.evaluations) and view.evaluations[place].step == sample.step:
        parts.append(tr("validation {loss:.3f}", loss=view.evaluations[place].loss))
    memory = next((one for one in view.memories if one.step == sample.step), None)
    if memory is not None:
        parts.insert(-1 if len(parts) > 1 else 1, format_memory(memory))
    return parts


def format_memory(memory: MemoryMeasured) -> str:
    """Distances in characters from which less than a half and a tenth of the influence is left."""
    half, tenth = (format_distance(each, memory.reach) for each in (memory.half, memory.tenth))
    return tr("memory {half}/{tenth}", half=half, tenth=tenth)


def format_absence(view: RunView) -> str:
    """Why there is no sample."""
    if view.description is None:
        return tr("This run has no records yet.")
    if not view.description.pinned_seeds:
        return tr(
            "This run has no samples: no seed was pinned when it was created, or an earlier "
            "version created it."
        )
    if not view.is_live:
        return tr("The run ended before its first evaluation, at which samples are taken.")
    if view.plan is None:
        return tr("The first samples come with the first batch.")
    return tr(
        "The first samples come with the first evaluation, after step {first:,}.",
        first=(*view.plan.early_evaluations, view.plan.evaluate_every)[0],
    )
