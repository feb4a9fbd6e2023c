"""What was held at the beginning of a text of the history, to be held again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui_charrnn.errors import ConfigError
from tui_charrnn.generation.clamping import parse_clamps
from tui_charrnn.tui.generation_settings import ActiveClamps, identity_of

if TYPE_CHECKING:
    from tui_charrnn.history.generation import Generation
    from tui_charrnn.tui.text.model_loader import LoadedModel


def held_again(said: Generation, loaded: LoadedModel | None) -> ActiveClamps:
    """The clamps that a text began with, if the model that said it speaks now; else none.

    Args:
        said: The text.
        loaded: Who speaks now; None if nobody does.
    """
    words = dict(said.clamps).get(0, ())
    is_same = loaded is not None and said.model.file == str(loaded.file and loaded.file.absolute())
    if loaded is None or not is_same or not words:
        return ActiveClamps()
    try:
        clamps = parse_clamps(words, loaded.model.config)
    except ConfigError:  # the file was replaced by a model of another shape
        return ActiveClamps()
    return ActiveClamps(clamps, identity_of(loaded.model))
