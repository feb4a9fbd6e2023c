"""The file of the preferences: where it is, what it holds, and how a new one begins."""

import os
import textwrap
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tui_charrnn.errors import ConfigError
from tui_charrnn.paths import open_file
from tui_charrnn.preferences.declaration import (
    Preferences,
    shown_value,
    variable_of,
)
from tui_charrnn.settings import Bounds
from tui_charrnn.translation import tr
from tui_charrnn.user_folders import config_folder, path_in

_LARGEST_FILE: Final = 256 * 1024
"""Bytes; a file with everything in it has about five thousand."""
_VARIABLE: Final = "CHARRNN_CONFIG"


def preferences_file(environment: Mapping[str, str] = os.environ) -> Path:
    """The file that is read: the one that CHARRNN_CONFIG names, or the user's own.

    It need not exist.

    Raises:
        ConfigError: If the variable names no path.
    """
    return path_in(_VARIABLE, environment) or own_preferences_file()


def own_preferences_file() -> Path:
    """The file that is read unless a variable names another; it need not exist."""
    return config_folder() / "config.toml"


def read_document(path: Path, environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """What a file of preferences holds, unchecked; nothing if there is no such file.

    Args:
        path: The file.
        environment: A file that CHARRNN_CONFIG names must exist.

    Raises:
        ConfigError: If the file cannot be read, or is not TOML.
    """
    if path == Path(os.devnull):  # as people write that there shall be none
        return {}
    try:
        with open_file(path) as file:
            content = file.read(_LARGEST_FILE + 1)
    except FileNotFoundError as error:
        if not environment.get(_VARIABLE, "").strip():
            return {}
        raise ConfigError(
            "{variable} names {path}, and there is no such file.", variable=_VARIABLE, path=path
        ) from error
    except OSError as error:
        raise ConfigError.unreadable(path, error) from error
    if len(content) > _LARGEST_FILE:
        raise ConfigError(
            "{path} has more than the {most:,} bytes of any settings.",
            path=path,
            most=_LARGEST_FILE,
        )
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ConfigError(
            "{path} is not UTF-8 (byte {place:,}).", path=path, place=error.start
        ) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(
            "{path} is not valid TOML: {problem}.", path=path, problem=error
        ) from error


def read_keys(table: object) -> tuple[dict[str, str], list[str]]:
    """The keys that a `[keys]` table names, by the id of what they do.

    An id has a dot in it, so it is `text.more = "f10"` or `"text.more" = "f10"`; several keys are
    a list. Whether there is such an id and such a key is for the table of keys to say.

    Args:
        table: What the document has as `keys`.

    Returns:
        The keys, several of them with commas between, and a sentence about each that is none.
    """
    if not isinstance(table, dict):
        return {}, [tr("keys must be a table, as [keys]. Received: {table!r}.", table=table)]
    keys, problems = {}, []
    for name, value in _flat(table):
        listed = value if isinstance(value, list) else [value]
        if listed and all(isinstance(key, str) and key.strip() for key in listed):
            keys[name] = ",".join(key.strip() for key in listed)
        else:
            problems.append(
                tr(
                    "keys.{name} must be the name of a key in quotes, or a list of them. "
                    "Received: {value!r}.",
                    name=name,
                    value=value,
                )
            )
    return keys, problems


def _flat(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield above + name, value


_HEAD = """\
# The settings of charrnn-tui. To change one, remove the # before its name.
# Precedence: flags, environment, this file.
# `charrnn-tui config show` prints the values in effect and where they come from.
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
