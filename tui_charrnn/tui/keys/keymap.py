"""Key bindings from the table of keys, and the user's changes: key names and conflicts."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Final

from textual.binding import Binding
from textual.dom import DOMNode

from tui_charrnn.errors import ConfigError
from tui_charrnn.settings import unknown_sentence
from tui_charrnn.translation import tr
from tui_charrnn.tui.keys.table import ARROWS, KEYS, SIGNS, Key, Owner, shown_key

EVERYWHERE: Final[frozenset[Owner]] = frozenset({"app", "main"})
"""Owners whose keys act wherever the focus is, also while the user types a seed."""
_PLAIN_KEYS: Final = frozenset({"f1", "ctrl+n", "ctrl+z"})
"""Keys of the app that a focused form, dialog or field may handle itself."""

_OTHER_NAMES: Final = {"esc": "escape", "return": "enter", "del": "delete", "ins": "insert"}
_NAMED: Final = (
    "enter|escape|space|tab|backspace|delete|insert|home|end|pageup|pagedown|up|down|left|right"
)
_FUNCTION: Final = r"f(?:[1-9]|1\d|2[0-4])"
_KEY: Final = (
    rf"(?:(?:(?:ctrl\+)?(?:shift\+)?|alt\+)(?:{_NAMED}|{_FUNCTION})"
    rf"|(?:ctrl\+)?[a-z0-9]|alt\+[a-z0-9]|[^\W_]|{'|'.join(SIGNS.values())})"
)
_TYPED: Final = rf"(?:shift\+)?(?:{_NAMED.replace('escape|', '')})|[^\W_]|[a-z]+_[a-z_]+"
"""Keys that the seed box needs for typing. Compiled only if the user changes keys."""
_EDITING: Final = frozenset({f"ctrl+{letter}" for letter in "aekuwdxcvyz"})
_SAME: Final = {"ctrl+i": "Tab", "ctrl+m": "Enter", "ctrl+j": "Enter", "ctrl+h": "Backspace"}
"""Keys that a terminal cannot distinguish from others."""

_active_keys: ContextVar[tuple[Key, ...]] = ContextVar("keys", default=KEYS)


def bindings_of(owner: Owner) -> list[Binding]:
    """Return the bindings of one owner, in the order of the table.

    They have the default keys; `App.set_keymap` applies the user's.
    """
    return [
        Binding(
            key.keys,
            key.action,
            key.label or key.sentence,
            tooltip=key.sentence,
            id=key.id,
            # else the seed box would handle some of them
            priority=key.keys not in _PLAIN_KEYS and owner in EVERYWHERE,
        )
        for key in KEYS
        if key.owner == owner
    ]


def owner_of(node: DOMNode | None) -> Owner | None:
    """Return whose keys act while a node has the focus: `OWNER` of it, or of an ancestor."""
    nodes = [] if node is None else node.ancestors_with_self
    return next((each.OWNER for each in nodes if hasattr(each, "OWNER")), None)


def active_keys() -> tuple[Key, ...]:
    """Return all keys of the app, with the user's changes."""
    return _active_keys.get()


def activate_keymap(keys: tuple[Key, ...], *, is_ascii: bool = False) -> None:
    """Set the keys of the app; with `is_ascii`, arrows are spelled out."""
    for word, arrow in ARROWS.items() if is_ascii else ():
        keys = tuple(
            key._replace(display=key.display.replace(arrow, word.capitalize())) for key in keys
        )
    _active_keys.set(keys)


def tr_keys(sentence: str, /, **values: object) -> str:
    """Translate a sentence as `tr` does; `{run.train}` in it stands for the key of that id."""
    areas: defaultdict[str, SimpleNamespace] = defaultdict(SimpleNamespace)
    for key in active_keys():
        area, name = key.id.split(".")
        setattr(areas[area], name, key.display)
    return tr(sentence, **areas, **values)


def keys_of(name: str) -> list[str]:
    """Return Textual's names of the keys of an action, by its id."""
    return next(key.keys for key in active_keys() if key.id == name).split(",")


def remap(wanted: Mapping[str, str]) -> tuple[tuple[Key, ...], list[str]]:
    """Apply the user's keys, comma-separated by key id, to the table.

    Returns:
        The table, and a sentence about each of the user's keys that was ignored.
    """
    problems: list[str] = []
    changed: dict[str, str] = {}
    known = {key.id: key for key in KEYS}
    for name, keys in wanted.items():
        try:
            checked = _checked_keys(name, keys, known)
        except ConfigError as problem:
            problems.append(f"keys.{name}: {problem}")
            continue
        if checked != known[name].keys:
            changed[name] = checked
    changed |= _remaining_keys(changed)
    while clash := next(_clashes(_table(changed), changed), None):
        name, pressed, other = clash
        del changed[name]
        problems.append(
            tr(
                "keys.{name}: {pressed} is the key of {other} already; give that another one "
                "first.",
                name=name,
                pressed=pressed,
                other=other.id,
            )
        )
    return _table(changed), problems


def keymap_of(keys: Sequence[Key]) -> dict[str, str]:
    """Return the keys that differ from their defaults, for `App.set_keymap`."""
    original = {key.id: key.keys for key in KEYS}
    return {key.id: key.keys for key in keys if key.keys != original[key.id]}


def _table(changed: Mapping[str, str]) -> tuple[Key, ...]:
    shown = {name: "/".join(map(shown_key, keys.split(","))) for name, keys in changed.items()}
    return tuple(
        key._replace(keys=changed[key.id], display=shown[key.id]) if key.id in changed else key
        for key in KEYS
    )


def _remaining_keys(changed: Mapping[str, str]) -> dict[str, str]:
    """Return the remaining keys of actions that lose a key to another action of the user."""
    taken = {pressed for keys in changed.values() for pressed in keys.split(",")}
    left = {
        key.id: [pressed for pressed in key.keys.split(",") if pressed not in taken]
        for key in KEYS
        if key.owner in EVERYWHERE and key.id not in changed and taken & {*key.keys.split(",")}
    }
    return {name: ",".join(keys) for name, keys in left.items() if keys}


def _checked_keys(name: str, keys: str, known: Mapping[str, Key]) -> str:
    """Return the keys under their Textual names.

    Raises:
        ConfigError: If a key does not exist, or cannot be used for this action.
    """
    if name not in known:
        raise ConfigError(unknown_sentence("action", name, known))
    if known[name].owner == "seed":
        raise ConfigError("The keys of the seed box cannot be changed.")
    is_everywhere = known[name].owner in EVERYWHERE
    names = [_named(key) for key in ([","] if keys == "," else keys.split(","))]
    if names == known[name].keys.split(","):  # the default: ^z already yields to the seed box
        return known[name].keys
    for key in names:
        if not re.fullmatch(_KEY, key):
            raise ConfigError(
                "A key is a letter, a name such as f5, home or pageup, or one with ctrl+ or "
                "alt+ before it. Received: {key!r}.",
                key=key,
            )
        if key in _SAME:
            problem = tr("A terminal cannot tell {key} from {other}; choose another.")
            raise ConfigError(problem.format(key=key, other=_SAME[key]))
        if is_everywhere and (re.fullmatch(_TYPED, key) or key in _EDITING):
            raise ConfigError(
                "{key} is needed for typing a seed; choose f1 to f24 or one with ctrl+ or alt+ "
                "before it.",
                key=key,
            )
    return ",".join(dict.fromkeys(names))


def _named(key: str) -> str:
    cleaned = key.strip()
    if len(cleaned) == 1:
        return SIGNS.get(cleaned, cleaned)
    return _OTHER_NAMES.get(cleaned.lower(), cleaned.lower())


def _clashes(keys: Sequence[Key], changed: Mapping[str, str]) -> Iterator[tuple[str, str, Key]]:
    """Yield conflicts of changed keys with others that act in the same place: id, key, other."""
    for key in keys:
        if key.id not in changed:
            continue
        for other in keys:
            is_near = other.owner == key.owner or EVERYWHERE & {key.owner, other.owner}
            if other.id == key.id or not is_near:
                continue
            for pressed in set(key.keys.split(",")) & set(other.keys.split(",")):
                yield key.id, pressed, other
