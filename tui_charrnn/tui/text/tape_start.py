"""Starts a tape from a seed text, and collects the result of a tape."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.tape import Tape
from tui_charrnn.hangul import INITIALS
from tui_charrnn.translation import tr

if TYPE_CHECKING:  # modules that the first character does not need
    from collections.abc import Callable, Sequence

    from tui_charrnn.config import SamplingConfig
    from tui_charrnn.generation.tree import Branch
    from tui_charrnn.tui.background import BackgroundTask
    from tui_charrnn.tui.session import GenerationSettings
    from tui_charrnn.tui.text.model_loader import LoadedModel, Wait

_T = TypeVar("_T")
_OTHER_CELLS: Final = "Other cells were clamped while the seed text was read."
_BY_HAND: Final = "Characters were chosen by hand."
_OTHER_DRAWS: Final = "The random numbers were changed during the text."
NO_REPLAY_REASONS: Final = (_OTHER_CELLS, _BY_HAND, _OTHER_DRAWS)
"""Reasons why seed text, settings and RNG seed do not reproduce a text; in English, for files."""


class ExternalText(NamedTuple):
    """A text for the model to read.

    It is stored on a tape as if every character had been chosen by hand, so that x-ray, cursor and
    branches work on it.
    """

    numbers: tuple[int, ...]
    """The characters, as vocabulary indices."""
    name: str = ""
    """File name, safe to show; empty for a pasted text."""
    is_cut: bool = False
    """Whether only the beginning is read, because the text is too long."""

    @property
    def title(self) -> str:
        """The heading above the text."""
        name = self.name or tr("A pasted text")
        return tr("{name}, read by the model:", name=name) + "\n"


class Opening(NamedTuple):
    """The model, the tape and the seed of a text."""

    loaded: LoadedModel
    """The model that generates."""
    tape: Tape
    """Everything generated; only the generating thread may use its stream."""
    seed_text: str
    """Composed (Unicode NFC), with unknown characters; the tape has what the model read of it."""
    unknown: dict[int, str]
    """Its unknown characters by position."""
    is_recorded: bool = False
    """Whether the text was loaded from a saved tape."""
    external: ExternalText | None = None
    """The external text to read instead of generating; `unknown` then refers to it."""

    @property
    def rng_seed(self) -> int:
        """The RNG seed of the first character."""
        return self.tape.tree.branches[0].draws[0].rng_seed

    @property
    def is_jamo(self) -> bool:
        """Whether the model predicts jamo; characters are then counted as jamo."""
        return self.loaded.model.units == "jamo"

    @property
    def vocabulary(self) -> str:
        """All characters of the model, as shown."""
        return self.loaded.model.vocabulary.shown


class GenerationResult(NamedTuple):
    """A generated text and everything that it depends on."""

    opening: Opening
    generated: str
    """The text after the seed text."""
    sampling: tuple[tuple[int, SamplingConfig], ...]
    """Sampling settings, each with the position from which it applies."""
    clamps: tuple[tuple[int, tuple[str, ...]], ...] = ()
    """Clamps, each set with the position from which it applies; empty if there were none."""
    no_replay_because: str = ""
    """Why seed text, settings and RNG seed do not reproduce the text; empty if they do."""

    @property
    def text(self) -> str:
        """The seed text as read by the model, and the generated text."""
        return self.opening.tape.seed_text + self.generated


def start_tape(
    load: Callable[[Wait], LoadedModel],
    seed_text: str | None,
    settings: GenerationSettings,
    task: BackgroundTask,
) -> Opening:
    """Load a model, read a seed text, and return the opening of a text that is still empty.

    Without a seed text the model's default is used. Clamps of another model are ignored. Once the
    task, which calls this, is cancelled, the rest of the seed text is left unread.
    """
    loaded = load(task.is_cancelled_after)
    if seed_text is None:  # a speaker's name for Shakespeare, else empty
        corpus = str(loaded.model.corpus.get("name", ""))
        seed_text = "ROMEO:" if "shakespeare" in corpus.casefold() else ""
    clamps = settings.active_clamps.of(loaded.model)
    stream = CharacterStream(loaded.model, settings.sampling, clamps)
    primed = stream.prime(seed_text, lambda: task.is_cancelled)
    composed = unicodedata.normalize("NFC", seed_text)
    if primed.text[-1:] in INITIALS:  # the typed letter starts a syllable
        composed = composed[:-1] + primed.text[-1]
    return Opening(loaded, Tape(stream, primed.text), composed, primed.unknown)


def result_of(opening: Opening, number: int, length: int) -> GenerationResult:
    """Return the first `length` characters of a branch, with the settings they depend on."""
    tape = opening.tape
    parts = [(branch, min(end, length)) for branch, end in tape.tree.lineage(number)][::-1]
    parts = [(branch, end) for branch, end in parts if branch.start <= end]
    set_clamps = in_effect(parts, lambda branch: branch.clamps)
    clamps = tuple((start, tuple(map(str, used))) for start, used in set_clamps)
    reason = ""
    if tape.seed_clamps != set_clamps[0][1]:
        reason = _OTHER_CELLS
    elif any(branch.start <= taken < end for branch, end in parts for taken in branch.taken):
        reason = _BY_HAND
    elif any(
        (used.rng_seed, used.drawn) != (opening.rng_seed, used.position)
        for branch, end in parts
        for used in branch.draws
        if used.position < end
    ):
        reason = _OTHER_DRAWS
    generated = tape.text(number, 0, length)
    clamps = clamps if clamps[0][1] else clamps[1:]
    sampling = in_effect(parts, lambda branch: branch.sampling)
    return GenerationResult(opening, generated, sampling, clamps, reason)


def in_effect(
    parts: Sequence[tuple[Branch, int]], changes: Callable[[Branch], list[tuple[int, _T]]]
) -> tuple[tuple[int, _T], ...]:
    """Return the settings, or clamps, that applied to at least one character.

    `parts` are branches and where a text leaves each, the first branch first.
    """
    last_set = {
        start: used
        for branch, end in parts
        for start, used in changes(branch)
        if start < max(end, 1)
    }
    kept: list[tuple[int, _T]] = []
    for after, used in last_set.items():
        if not kept or kept[-1][1] != used:
            kept.append((after, used))
    return tuple(kept)
