"""What was held at the beginning of a text of the history, to be held again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui_charrnn.errors import ConfigError
from tui_charrnn.tui.generation_settings import HeldCells, kin_of

if TYPE_CHECKING:
    from tui_charrnn.history.generation import Generation
    from tui_charrnn.tui.text.generation_thread import Voice


def held_again(said: Generation, voice: Voice | None) -> HeldCells:
    """The clamps that a text began with, if the model that said it speaks now; else none.

    Args:
        said: The text.
        voice: Who speaks now; None if nobody does.
    """
    words = dict(said.clamps).get(0, ())
    is_same = voice is not None and said.model.file == str(voice.file and voice.file.absolute())
    if voice is None or not is_same or not words:
        return HeldCells()
    # deferred: NumPy, which those who hold nothing do not need
    from tui_charrnn.generation.clamping import parse_clamps  # noqa: PLC0415 - as said

    try:
        clamps = parse_clamps(words, voice.model.config)
    except ConfigError:  # the file was replaced by a model of another shape
        return HeldCells()
    return HeldCells(clamps, kin_of(voice.model))
