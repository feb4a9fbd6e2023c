"""The file that a user begins with: everything explained, nothing changed."""

import textwrap
from collections.abc import Iterable

from tui_charrnn.preferences.declaration import (
    Preferences,
    shown_value,
    variable_of,
)
from tui_charrnn.settings import Bounds

_HEAD = """\
# The settings of charrnn-tui. To change one, remove the # before its name.
# Flags of a command go before the environment, the environment before this file.
# `charrnn-tui config show` tells what holds, and why.
"""
_KEYS = """\
[keys]
# Other keys for what the app does: "f10", "ctrl+g", "alt+x", "home"; several are a list. What acts
# while a seed is typed cannot be a letter. docs/keys.md has them all.
"""
_WIDTH = 100  # columns


def starter_text(keys: Iterable[tuple[str, str, str]]) -> str:
    """A TOML document with every setting and every key as it comes, all commented out.

    Args:
        keys: Id, key and sentence of everything that a key may be chosen for.
    """
    parts = [_HEAD]
    defaults = Preferences().to_mapping()
    for name, bounds in Preferences.bounds().items():
        about = f"{bounds.sentence} Allowed: {bounds.allowed()}. Environment: {variable_of(name)}."
        lines = textwrap.wrap(about, _WIDTH, initial_indent="# ", subsequent_indent="# ")
        lines.append(f"#{name} = {_written(name, defaults[name], bounds)}")
        parts.append("\n".join(lines) + "\n")
    lines = [f'#"{name}" = "{pressed}"  # {sentence}' for name, pressed, sentence in keys]
    return "\n".join([*parts, _KEYS + "\n".join(lines) + "\n"])


def _written(name: str, value: object, bounds: Bounds) -> str:
    is_word = value is None or bounds.choices
    return f'"{shown_value(name, value)}"' if is_word else shown_value(name, value)
