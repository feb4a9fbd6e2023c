"""The bindings of the table of keys, and a user's own keys in it: names of keys, and clashes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Final

from textual.binding import Binding

from tui_charrnn.errors import ConfigError
from tui_charrnn.settings import unknown_sentence
from tui_charrnn.translation import tr
from tui_charrnn.tui.keys.table import ARROWS, KEYS, SIGNS, Key, Owner, shown_key

EVERYWHERE: Final[frozenset[Owner]] = frozenset({"app", "main"})
"""Owners whose keys act wherever the focus is, also while a seed is typed."""
_PLAIN_KEYS: Final = frozenset({"f1", "ctrl+n", "ctrl+z"})
"""Keys of the app that what has the focus may have for itself: a form, a question, a field."""

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
"""What the seed box needs for itself. Compiled if somebody has keys of their own."""
_EDITING: Final = frozenset({f"ctrl+{letter}" for letter in "aekuwdxcvyz"})
_SAME: Final = {"ctrl+i": "Tab", "ctrl+m": "Enter", "ctrl+j": "Enter", "ctrl+h": "Backspace"}
"""Keys that a terminal cannot tell from others."""
_FIXED: Final = frozenset({"seed"})
"""Owners whose keys are their own business."""

_in_force: ContextVar[tuple[Key, ...]] = ContextVar("keys", default=KEYS)


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


def active_keys() -> tuple[Key, ...]:
    """Every key of the app that runs here, those of its user among them."""
    return _in_force.get()


def activate_keymap(keys: tuple[Key, ...], *, is_ascii: bool = False) -> None:
    """Let an app that starts here go by a table of keys, arrows written in words for ASCII."""
    if is_ascii:
        keys = tuple(key._replace(display=_in_words(key.display)) for key in keys)
    _in_force.set(keys)


def _in_words(display: str) -> str:
    for word, arrow in ARROWS.items():
        display = display.replace(arrow, word.capitalize())
    return display


def key_label(name: str) -> str:
    """How the key is written that does something, for a sentence."""
    return next(key.display for key in active_keys() if key.id == name)


def remap(wanted: Mapping[str, str]) -> tuple[tuple[Key, ...], list[str]]:
    """Put a user's keys into the table: keys by the id of what they do, with commas between.

    Returns:
        The table, and a sentence about everything in it that stays as it comes.
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
    changed |= _given_up(changed)
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
    """What differs from the table as it comes, for `App.set_keymap`."""
    original = {key.id: key.keys for key in KEYS}
    return {key.id: key.keys for key in keys if key.keys != original[key.id]}


def _table(changed: Mapping[str, str]) -> tuple[Key, ...]:
    shown = {name: "/".join(map(shown_key, keys.split(","))) for name, keys in changed.items()}
    return tuple(
        key._replace(keys=changed[key.id], display=shown[key.id]) if key.id in changed else key
        for key in KEYS
    )


def _given_up(changed: Mapping[str, str]) -> dict[str, str]:
    """What is left to actions with several keys, of which the user gives one to another action."""
    taken = {pressed for keys in changed.values() for pressed in keys.split(",")}
    left = {
        key.id: [pressed for pressed in key.keys.split(",") if pressed not in taken]
        for key in KEYS
        if key.owner in EVERYWHERE and key.id not in changed and taken & {*key.keys.split(",")}
    }
    return {name: ",".join(keys) for name, keys in left.items() if keys}


def _checked_keys(name: str, keys: str, known: Mapping[str, Key]) -> str:
    """The keys under the names that Textual has for them.

    Raises:
        ConfigError: If one is no key, or cannot do this.
    """
    if name not in known:
        raise ConfigError(unknown_sentence("action", name, known))
    if known[name].owner in _FIXED:
        raise ConfigError(tr("The seed box has its keys to itself; this one cannot be changed."))
    is_everywhere = known[name].owner in EVERYWHERE
    names = [_named(key) for key in ([","] if keys == "," else keys.split(","))]
    if names == known[name].keys.split(","):  # as it comes: ^z gives way to the seed box by itself
        return known[name].keys
    for key in names:
        if not re.fullmatch(_KEY, key):
            raise ConfigError(
                tr(
                    "A key is a letter, a name such as f5, home or pageup, or one with ctrl+ or "
                    "alt+ before it. Received: {key!r}.",
                    key=key,
                )
            )
        if key in _SAME:
            problem = tr("A terminal cannot tell {key} from {other}; choose another.")
            raise ConfigError(problem.format(key=key, other=_SAME[key]))
        if is_everywhere and (re.fullmatch(_TYPED, key) or key in _EDITING):
            raise ConfigError(
                tr(
                    "{key} is needed for typing a seed; choose f1 to f12 or one with ctrl+ or alt+ "
                    "before it.",
                    key=key,
                )
            )
    return ",".join(dict.fromkeys(names))


def _named(key: str) -> str:
    cleaned = key.strip()
    if len(cleaned) == 1:
        return SIGNS.get(cleaned, cleaned)
    return _OTHER_NAMES.get(cleaned.lower(), cleaned.lower())


def _clashes(keys: Sequence[Key], changed: Mapping[str, str]) -> Iterator[tuple[str, str, Key]]:
    """Changed keys that something else in their reach has too: id, key, and the other one."""
    for key in keys:
        if key.id not in changed:
            continue
        for other in keys:
            is_near = other.owner == key.owner or EVERYWHERE & {key.owner, other.owner}
            if other.id == key.id or not is_near:
                continue
            for pressed in set(key.keys.split(",")) & set(other.keys.split(",")):
                yield key.id, pressed, other
