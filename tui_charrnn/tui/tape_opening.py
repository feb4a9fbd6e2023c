"""How a tape begins: with a seed text that a model reads, or with what was recorded before."""

import secrets
import unicodedata
from collections.abc import Callable

from tui_charrnn.generation.draws import Draws
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.tape import Tape
from tui_charrnn.sampling_config import SamplingConfig
from tui_charrnn.tui.speaker import Voice
from tui_charrnn.tui.utterance import Opening


def begun(
    voice: Voice, seed_text: str, sampling: SamplingConfig, should_stop: Callable[[], bool]
) -> tuple[Tape, Opening]:
    """A tape without a character, once its seed text was read.

    Args:
        voice: Who is to speak.
        seed_text: Any text.
        sampling: The settings of the first character.
        should_stop: Asked now and then whether to leave the rest of the seed text unread.
    """
    stream = CharacterStream(voice.model, sampling)
    primed = stream.prime(seed_text, should_stop)
    opening = Opening(
        voice=voice,
        seed_text=unicodedata.normalize("NFC", seed_text),
        read_text=primed.text,
        skipped=primed.skipped,
        rng_seed=stream.rng_seed,
    )
    return Tape(stream, primed.text), opening


def reopened(voice: Voice, document: object) -> tuple[Tape, Opening]:
    """A tape as it was recorded.

    Args:
        voice: Who spoke on it.
        document: What `tape_document` made.

    Raises:
        DataError: If it is not a tape, or not one of this model.
    """
    # deferred: needed by those who open what was recorded only
    from tui_charrnn.generation.tape_file import open_tape  # noqa: PLC0415 - as said

    tape = open_tape(voice.model, document)
    seed_text, rng_seed = tape.seed_text, tape.tree.branches[0].draws[0].rng_seed
    return tape, Opening(voice, seed_text, seed_text, (), rng_seed, is_recorded=True)


def redraw(stream: CharacterStream) -> None:
    """Let other random numbers than before decide from the next character on."""
    stream.draws = Draws(secrets.randbelow(2**32))  # short enough to be typed again
