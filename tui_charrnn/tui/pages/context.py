"""What a page is opened with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui_charrnn.tui.session import Session
    from tui_charrnn.tui.text.model_loader import LoadedModel, Wait
    from tui_charrnn.tui.text.tape_text import TapeText


@dataclass(frozen=True, slots=True)
class PageContext:
    """What a page is opened with."""

    session: Session
    load: Callable[[Wait], LoadedModel]
    """Loads the model whose turn it is to generate; called in a thread."""
    load_newest: Callable[[Wait], LoadedModel]
    """Likewise, but of a run that trains its newest weights."""
    text: TapeText
    """The text in sight, with its tape."""
    at: tuple[int, int] | None
    """Branch and position of the cursor on the tape; None if there is none."""
    show_settings: Callable[[], object]
    """Called once the settings of the text were changed."""
    seed_text: str
    """What stands in the seed box."""
