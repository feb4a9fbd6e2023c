"""What a model said in the app, and all that it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui_charrnn.generation.stream import SkippedCharacter
    from tui_charrnn.generation.tree import Tree
    from tui_charrnn.sampling_config import SamplingConfig
    from tui_charrnn.tui.speaker import Voice


@dataclass(frozen=True, slots=True)
class Opening:
    """How a text begins."""

    voice: Voice
    """Whose weights speak."""
    seed_text: str
    """Composed (Unicode NFC), with the unknown characters still in it."""
    read_text: str
    """What the model read of it."""
    skipped: tuple[SkippedCharacter, ...]
    """The unknown characters, by their position in it."""
    rng_seed: int
    is_recorded: bool = False
    """Whether it was read from a tape, with what was said after it."""

    @property
    def label(self) -> str:
        """Whose weights speak, safe to show."""
        return self.voice.label

    @property
    def vocabulary(self) -> str:
        """All characters that the model knows."""
        return self.voice.model.vocabulary.characters


@dataclass(frozen=True, slots=True)
class Utterance:
    """What was said so far, and all that it came from."""

    opening: Opening
    generated: str
    """What came after the seed text."""
    sampling: tuple[tuple[int, SamplingConfig], ...]
    """How it was chosen: settings, and the number of characters after which they held."""
    hindrance: str = ""
    """Why seed text, settings and RNG seed do not give the same text; empty if they do."""

    @property
    def text(self) -> str:
        """What the model read of the seed text, and what it said."""
        return self.opening.read_text + self.generated


def spelled(tree: Tree, vocabulary: str, number: int, start: int, stop: int) -> str:
    """A branch's characters from one position to another."""
    return "".join([vocabulary[index] for index in tree.indices(number, start, stop)])


def utterance_of(opening: Opening, tree: Tree, number: int, length: int) -> Utterance:
    """What was said on a branch.

    Args:
        opening: How it begins.
        tree: The tape's.
        number: The branch.
        length: How many of its characters count.
    """
    parts = [(branch, min(end, length)) for branch, end in tree.lineage(number)][::-1]
    parts = [(branch, end) for branch, end in parts if branch.start <= end]
    changes = [
        (used.position, used.sampling)
        for branch, end in parts
        for used in branch.sampling
        if used.position < max(end, 1)
    ]
    hindrance = ""
    if any(branch.start <= taken < end for branch, end in parts for taken in branch.taken):
        hindrance = "Characters were taken at somebody's word."
    elif any(
        (used.rng_seed, used.drawn) != (opening.rng_seed, used.position)
        for branch, end in parts
        for used in branch.draws
        if used.position < end
    ):
        hindrance = "Other random numbers were taken under way."
    generated = spelled(tree, opening.vocabulary, number, 0, length)
    return Utterance(opening, generated, in_effect(changes, length), hindrance)


def in_effect(
    changes: Sequence[tuple[int, SamplingConfig]], length: int
) -> tuple[tuple[int, SamplingConfig], ...]:
    """The settings that chose a character at least, each with the characters before it.

    Args:
        changes: Settings, and after how many characters each was set, ascending from 0.
        length: How many characters there are.
    """
    last_set = {after: used for after, used in changes if after < max(length, 1)}
    kept: list[tuple[int, SamplingConfig]] = []
    for after, used in last_set.items():
        if not kept or kept[-1][1] != used:
            kept.append((after, used))
    return tuple(kept)
