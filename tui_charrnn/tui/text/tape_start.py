"""How a text begins, with a seed that a model reads or with a tape; and what came of it."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from tui_charrnn import lazy
from tui_charrnn.generation.neuron import Clamp
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.tape import Tape
from tui_charrnn.hangul import INITIALS
from tui_charrnn.tui.text.model_loader import LoadedModel

if TYPE_CHECKING:  # the first character does not wait for what reads other texts
    from collections.abc import Callable, Sequence

    from tui_charrnn.generation.stream import UnknownCharacter
    from tui_charrnn.sampling_config import SamplingConfig
    from tui_charrnn.tui.session import ActiveClamps
    from tui_charrnn.tui.text.external_text import ExternalText, Recording

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


def start_tape(
    prepared: LoadedModel | Recording | ExternalText,
    seed_text: str | None,
    sampling: SamplingConfig,
    held: ActiveClamps,
    should_stop: Callable[[], bool],
) -> tuple[Tape, Opening]:
    """A tape as it is when a text begins, and how it begins.

    Args:
        prepared: A model, or what was recorded by one, or a text that one is to read.
        seed_text: What a model alone continues; None takes one that suits it.
        sampling: The settings of the first character.
        held: Neurons that are held, if they are of the model.
        should_stop: Asked now and then whether to leave the rest of the seed text unread.

    Raises:
        DataError: If what was recorded is no tape, or not one of that model.
    """
    if isinstance(prepared, LoadedModel):
        return prime_tape(prepared, seed_text, sampling, held.of(prepared.model), should_stop)
    if isinstance(prepared, lazy.Recording):
        return load_tape(prepared.loaded, prepared.document)
    loaded = prepared.loaded
    tape, opening = prime_tape(loaded, "", sampling, held.of(loaded.model), should_stop)
    return tape, opening._replace(external=prepared, unknown=prepared.unknown)


def prime_tape(
    loaded: LoadedModel,
    seed_text: str | None,
    sampling: SamplingConfig,
    clamps: tuple[Clamp, ...],
    should_stop: Callable[[], bool],
) -> tuple[Tape, Opening]:
    """A tape without a character, once its seed text was read; as `start_tape`."""
    if seed_text is None:  # a speaker's name for Shakespeare, else nothing
        corpus = str(loaded.model.corpus.get("name", ""))
        seed_text = "ROMEO:" if "shakespeare" in corpus.casefold() else ""
    stream = CharacterStream(loaded.model, sampling, clamps)
    primed = stream.prime(seed_text, should_stop)
    composed = unicodedata.normalize("NFC", seed_text)
    if primed.text[-1:] in INITIALS:  # the letter that was typed begins a syllable
        composed = composed[:-1] + primed.text[-1]
    opening = Opening(
        loaded=loaded,
        seed_text=composed,
        read_text=primed.text,
        unknown=primed.unknown,
        rng_seed=stream.rng_seed,
        held=tuple(map(str, clamps)),
    )
    return Tape(stream, primed.text), opening


def load_tape(loaded: LoadedModel, document: object) -> tuple[Tape, Opening]:
    """A tape as it was recorded in a `tape_document`, and the model that generated it.

    Raises:
        DataError: If it is not a tape, or not one of this model.
    """
    tape = lazy.open_tape(loaded.model, document)
    loaded = loaded._replace(model=tape.stream.model)
    seed_text, rng_seed = tape.seed_text, tape.tree.branches[0].draws[0].rng_seed
    held = tuple(map(str, tape.seed_clamps))
    return tape, Opening(loaded, seed_text, seed_text, (), rng_seed, held, is_recorded=True)


def result_of(opening: Opening, tape: Tape, number: int, length: int) -> GenerationResult:
    """What was generated on a branch of a tape, so many of its characters."""
    parts = [(branch, min(end, length)) for branch, end in tape.tree.lineage(number)][::-1]
    parts = [(branch, end) for branch, end in parts if branch.start <= end]
    changes = [
        (start, sampling)
        for branch, end in parts
        for start, sampling in branch.sampling
        if start < max(end, 1)
    ]
    held = [
        (start, tuple(map(str, clamps)))
        for branch, end in parts
        for start, clamps in branch.clamps
        if start < max(end, 1)
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
    generated = tape.text(number, 0, length)
    clamps = clamps if clamps[0][1] else clamps[1:]
    return GenerationResult(opening, generated, in_effect(changes, length), clamps, hindrance)


def in_effect(changes: Sequence[tuple[int, _T]], length: int) -> tuple[tuple[int, _T], ...]:
    """The settings, or clamps, that chose at least one of so many characters.

    Args:
        changes: Each with the number of characters after which it was set, ascending from 0.
        length: How many characters there are.
    """
    last_set = {after: used for after, used in changes if after < max(length, 1)}
    kept: list[tuple[int, _T]] = []
    for after, used in last_set.items():
        if not kept or kept[-1][1] != used:
            kept.append((after, used))
    return tuple(kept)
