"""How a tape begins: with a seed text that a model reads, or with what was recorded before."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from tui_charrnn import lazy
from tui_charrnn.generation.clamping import Clamp, clamp_words
from tui_charrnn.generation.sampling import RandomStream, fresh_rng_seed
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.tape import Tape
from tui_charrnn.hangul import INITIALS
from tui_charrnn.tui.text.generation_result import Opening, Recording
from tui_charrnn.tui.text.model_loader import LoadedModel

if TYPE_CHECKING:  # the first character does not wait for what reads other texts
    from collections.abc import Callable

    from tui_charrnn.model.checkpoint import Model
    from tui_charrnn.sampling_config import SamplingConfig
    from tui_charrnn.tui.generation_settings import ActiveClamps
    from tui_charrnn.tui.text.external_text import ExternalText


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
    if isinstance(prepared, Recording):
        return load_tape(prepared.loaded, prepared.document)
    if isinstance(prepared, LoadedModel):
        return prime_tape(prepared, seed_text, sampling, held.of(prepared.model), should_stop)
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
    """A tape without a character, once its seed text was read.

    Args:
        loaded: The model that is to generate.
        seed_text: Any text; None takes one that suits the model.
        sampling: The settings of the first character.
        clamps: Neurons that are held, while the seed text is read as well.
        should_stop: Asked now and then whether to leave the rest of the seed text unread.
    """
    seed_text = default_seed(loaded.model) if seed_text is None else seed_text
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
        held=tuple(clamp_words(clamps)),
    )
    return Tape(stream, primed.text), opening


def load_tape(loaded: LoadedModel, document: object) -> tuple[Tape, Opening]:
    """A tape as it was recorded.

    Args:
        loaded: The model that generated it.
        document: What `tape_document` made.

    Raises:
        DataError: If it is not a tape, or not one of this model.
    """
    tape = lazy.open_tape(loaded.model, document)
    loaded = loaded._replace(model=tape.stream.model)
    seed_text, rng_seed = tape.seed_text, tape.tree.branches[0].draws[0].rng_seed
    held = tuple(clamp_words(tape.seed_clamps))
    return tape, Opening(loaded, seed_text, seed_text, (), rng_seed, held, is_recorded=True)


def default_seed(model: Model) -> str:
    """A seed text that suits a model: a speaker's name for Shakespeare, else nothing."""
    name = str(model.corpus.get("name", "")).casefold()
    return "ROMEO:" if "shakespeare" in name else ""


def redraw(stream: CharacterStream) -> None:
    """Let other random numbers than before decide from the next character on."""
    stream.draws = RandomStream(fresh_rng_seed())
