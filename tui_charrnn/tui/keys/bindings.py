"""Every key of the app, once: bindings, key row, help and palette are made from this table."""

from collections.abc import Iterable
from typing import Final

from textual.binding import Binding

from tui_charrnn.translation import tr
from tui_charrnn.tui.keys.keymap import EVERYWHERE
from tui_charrnn.tui.keys.table import KEYS, Key, Owner

GROUPS: Final = {
    "seed": "Text",
    "text": "Text",
    "run": "Training",
    "pane": "Panes",
    "app": "Program",
    "speech": "In the generated text",
    "chart": "In the loss chart",
    "runs": "In the list of runs",
    "childhood": "In the childhood",
    "log": "In the log",
    "history": "In the history",
    "tape": "Back over the text: the tape",
    "branches": "In the list of branches",
    "neurons": "In the list of neurons",
    "which": "In the page many to one",
    "grow": "In the page one to many",
    "gates": "In the page of the gates",
    "fill": "In the page of gaps",
    "embedding": "In the page of the embedding",
    "memory": "In the page of the memory",
    "clipping": "In the page of clipping",
    "learn": "In the guided tour",
}
"""Under which heading the help lists a key, by the first word of its id."""

_PLAIN_KEYS: Final = frozenset({"f1", "ctrl+n", "ctrl+z"})
"""Keys of the app that what has the focus may have for itself: a form, a question, a field."""


def bindings_of(owner: Owner) -> list[Binding]:
    """The bindings of one owner, in the order of the table.

    They have the keys as the program comes; `App.set_keymap` puts those of its user in.
    """
    return [
        Binding(
            key.keys,
            key.action,
            key.label or key.sentence,
            tooltip=key.sentence,
            id=key.id,
            # the seed box has keys of its own for some of them
            priority=key.keys not in _PLAIN_KEYS and owner in EVERYWHERE,
        )
        for key in KEYS
        if key.owner == owner
    ]


def grouped(keys: Iterable[Key]) -> dict[str, list[Key]]:
    """Keys by the heading that they are listed under, in the order of the table."""
    groups: dict[str, list[Key]] = {}
    for key in keys:
        groups.setdefault(heading_of(key), []).append(key)
    return groups


def heading_of(key: Key) -> str:
    """The heading that a key is listed under."""
    return GROUPS[key.id.partition(".")[0]]


def matching(keys: Iterable[Key], typed: str) -> list[Key]:
    """The keys that have every word of what was typed in their name, label, sentence or heading.

    In any language: somebody may look for a word that stands in a page of another one.
    """
    words = typed.casefold().split()
    if words and len(words[0]) > 1:
        words[0] = words[0].removeprefix("/")  # with which a search begins everywhere else

    def has_all(key: Key) -> bool:
        english = (key.label, key.sentence, heading_of(key))
        said = " ".join((key.display, key.keys, *english, *map(tr, english))).casefold()
        return all(word in said for word in words)

    return [key for key in keys if has_all(key)]
