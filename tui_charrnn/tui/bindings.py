"""Every key of the app, once: bindings, key row, help and palette are made from this table."""

from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding

Owner = Literal["app", "main", "conversation", "seed"]
"""Who acts: a class of that name, or the seed box by itself (for the help only)."""


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

    @property
    def display(self) -> str:
        """The key as people read it."""
        return self.shown or self.keys.replace("ctrl+", "^").upper()


# Only keys that every terminal delivers: letters, Enter, Esc, F1 to F9, Ctrl with a letter.
KEYS: tuple[Key, ...] = (
    Key(
        "seed.submit",
        "enter",
        "",
        "Speak",
        "Generate text from the seed in the box; again for a new one.",
        owner="seed",
        shown="Enter",
    ),
    Key(
        "text.stop",
        "escape",
        "stop",
        "Stop",
        "Stop the text and keep it.",
        shown="Esc",
        owner="conversation",
    ),
    Key("app.help", "f1", "push_screen('help')", "Help", "Show this page.", owner="app"),
    Key(
        "text.more",
        "f2",
        "more",
        "More",
        "Go on with the text from the state in which it stopped.",
        owner="conversation",
    ),
    Key(
        "run.train",
        "f3",
        "train",
        "Train",
        "Train a model on a text of yours.",
        owner="app",
    ),
    Key(
        "text.source",
        "f4",
        "source",
        "Source",
        "Change who speaks: bundled model, run's newest weights, or best.",
    ),
    Key(
        "text.pace",
        "f5",
        "pace",
        "Pace",
        "Change the pace: 10 to 500 characters a second, or full speed.",
        owner="conversation",
    ),
    Key("run.checkpoint", "f6", "checkpoint", "Save", "Ask the trainer to save a checkpoint now."),
    Key(
        "text.cooler",
        "f7",
        "warm(-0.1)",
        "",
        "Lower the temperature: safer text. Acts at once.",
        owner="conversation",
    ),
    Key(
        "text.warmer",
        "f8",
        "warm(0.1)",
        "Temp",
        "Raise the temperature: wilder text. Acts at once.",
        owner="conversation",
    ),
    Key(
        "run.stop",
        "f9",
        "stop_training",
        "End",
        "Ask the trainer to save and stop.",
    ),
    Key(
        "app.quit",
        "ctrl+q",
        "quit",
        "Quit",
        "Leave; training goes on unless you say otherwise.",
        owner="app",
        shown="^q",
    ),
    Key(
        "app.palette",
        "ctrl+p",
        "command_palette",
        "Palette",
        "Find a command, or change the theme.",
        owner="app",
        shown="^p",
    ),
)


_PLAIN_APP_KEYS = {"f1", "f3"}
"""Keys of the app that act on the main screen only, not in a form or a question."""


def bindings_of(owner: Owner) -> list[Binding]:
    """The bindings of one owner, in the order of the table."""
    return [
        Binding(
            key.keys,
            key.action,
            key.label,
            key_display=key.shown or None,
            tooltip=key.sentence,
            id=key.id,
            priority=key.keys not in _PLAIN_APP_KEYS,  # the seed box has F6 and F7 of its own
        )
        for key in KEYS
        if key.owner == owner and key.action != "command_palette"
    ]
