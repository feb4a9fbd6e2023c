"""One key of the app, and who acts when it is pressed."""

from dataclasses import dataclass
from typing import Literal

Owner = Literal[
    "app",
    "main",
    "seed",
    "speech",
    "chart",
    "runs",
    "childhood",
    "log",
    "history",
    "tape",
    "branches",
    "neurons",
    "which",
    "grow",
    "gates",
    "fill",
    "embedding",
    "memory",
    "clipping",
    "learn",
]
"""Who acts: the app, the main screen, a pane that has the focus, or the seed box by itself."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key and what it does."""

    id: str
    """Stable: the name for a user's own keymap."""
    keys: str
    action: str
    label: str
    """As in the row at the bottom; empty if the next key has one for both."""
    sentence: str
    owner: Owner = "main"
    shown: str = ""
    """How the key is written for people, where its name is not enough."""
    in_row: bool = True
    """Whether the row at the bottom has room for it."""

    @property
    def display(self) -> str:
        """The key as people read it."""
        if self.shown:
            return self.shown
        is_letter = len(self.keys) == 1
        return self.keys if is_letter else self.keys.replace("ctrl+", "^").capitalize()
