"""Every key of the app, once: bindings, key row, help and palette are made from this table."""

from typing import Final

from textual.binding import Binding

from tui_charrnn.tui.key import Key, Owner
from tui_charrnn.tui.main_keys import MAIN_KEYS
from tui_charrnn.tui.pane_keys import PANE_KEYS

KEYS: Final[tuple[Key, ...]] = MAIN_KEYS + PANE_KEYS

GROUPS: Final = {
    "seed": "Text",
    "text": "Text",
    "run": "Training",
    "pane": "Panes",
    "app": "Program",
    "chart": "In the loss chart",
    "runs": "In the list of runs",
    "childhood": "In the childhood",
    "log": "In the log",
}
"""Under which heading the help lists a key, by the first word of its id."""

_PLAIN_KEYS: Final = frozenset({"f1", "ctrl+n"})
"""Keys of the app that act on the main screen only, not in a form or a question."""
_ROOMS: Final = frozenset({"chart", "runs", "childhood", "log"})
"""Owners whose keys act only while they have the focus."""


def bindings_of(owner: Owner) -> list[Binding]:
    """The bindings of one owner, in the order of the table."""
    return [
        Binding(
            key.keys,
            key.action,
            key.label or key.sentence,
            key_display=key.shown or None,
            tooltip=key.sentence,
            id=key.id,
            # the seed box has keys of its own for some of them
            priority=key.keys not in _PLAIN_KEYS and owner not in _ROOMS,
        )
        for key in KEYS
        if key.owner == owner and key.action != "command_palette"
    ]
