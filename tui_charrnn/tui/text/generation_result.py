"""What a model generated in the app, and all that it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui_charrnn.generation.stream import UnknownCharacter
    from tui_charrnn.generation.tree import Tree
    from tui_charrnn.sampling_config import SamplingConfig
    from tui_charrnn.tui.text.external_text import ExternalText
    from tui_charrnn.tui.text.model_loader import LoadedModel

_T = TypeVar("_T")
_OTHER_CELLS: Final = "The cells that were held were others while the seed text was read."
_BY_HAND: Final = "Characters were chosen by hand."
_OTHER_DRAWS: Final = "Other random numbers were taken under way."
HINDRANCES: Final = (_OTHER_CELLS, _BY_HAND, _OTHER_DRAWS)
"""Why seed text, settings and RNG seed do not give the same text; kept in English."""


class Opening(NamedTuple):
    """How a text begins."""

    loaded: LoadedModel
    """The model that generates."""
    seed_text: str
    """Composed (Unicode NFC), with the unknown characters still in it."""
    read_text: str
    """What the model read of it."""
    unknown: tuple[UnknownCharacter, ...]
    """The unknown characters, by their position in it."""
    rng_seed: int
    held: tuple[str, ...] = ()
    """The neurons that were held while the seed text was read, as LAYER:CELL=VALUE."""
    is_recorded: bool = False
    """Whether it was read from a tape, with what was generated after it."""
    external: ExternalText | None = None
    """The text that the model reads instead of generating one; `unknown` is of it then."""

    @property
    def label(self) -> str:
        """The model's name, safe to show; in English."""
        return self.loaded.label

    @property
    def is_jamo(self) -> bool:
        """Whether the text comes in jamo, which are counted and predicted then."""
        return self.loaded.model.units == "jamo"

    @property
    def vocabulary(self) -> str:
        """All characters that the model knows, as they are shown."""
        return self.loaded.model.vocabulary.shown


class Recording(NamedTuple):
    """A tape that is to be continued, and the model that generated it."""

    loaded: LoadedModel
    document: object
    """What `tape_document` made."""


class GenerationResult(NamedTuple):
    """What was generated so far, and all that it came from."""

    opening: Opening
    generated: str
    """What came after the seed text."""
    sampling: tuple[tuple[int, SamplingConfig], ...]
    """How it was chosen: settings, and the number of characters after which they held."""
    clamps: tuple[tuple[int, tuple[str, ...]], ...] = ()
    """Which neurons were held, each time with the number of characters after which they were; no
    entry if none ever was."""
    hindrance: str = ""
    """Why seed text, settings and RNG seed do not give the same text; empty if they do."""

    @property
    def text(self) -> str:
        """What the model read of the seed text, and what it generated."""
        return self.opening.read_text + self.generated


def result_of(opening: Opening, tree: Tree, number: int, length: int) -> GenerationResult:
    """What was generated on a branch.

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
    held = [
        (used.position, tuple(map(str, used.clamps)))
        for branch, end in parts
        for used in branch.clamps
        if used.position < max(end, 1)
    ]
    clamps = in_effect([(0, ()), *held], length)
    hindrance = ""
    if opening.held != clamps[0][1]:
        hindrance = _OTHER_CELLS
    elif any(branch.start <= taken < end for branch, end in parts for taken in branch.taken):
        hindrance = _BY_HAND
    elif any(
        (used.rng_seed, used.drawn) != (opening.rng_seed, used.position)
        for branch, end in parts
        for used in branch.draws
        if used.position < end
    ):
        hindrance = _OTHER_DRAWS
    generated = tree.spell(opening.vocabulary, number, 0, length)
    clamps = clamps if clamps[0][1] else clamps[1:]
    return GenerationResult(opening, generated, in_effect(changes, length), clamps, hindrance)


def in_effect(changes: Sequence[tuple[int, _T]], length: int) -> tuple[tuple[int, _T], ...]:
    """The settings, or clamps, that chose a character at least, each with the characters before it.

    Args:
        changes: Settings, and after how many characters each was set, ascending from 0.
        length: How many characters there are.
    """
    last_set = {after: used for after, used in changes if after < max(length, 1)}
    kept: list[tuple[int, _T]] = []
    for after, used in last_set.items():
        if not kept or kept[-1][1] != used:
            kept.append((after, used))
    return tuple(kept)
