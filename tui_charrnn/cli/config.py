"""The commands of `charrnn-tui config`: show the settings in effect, or create their file."""

import os
from collections.abc import Iterator
from typing import Any

import typer

from tui_charrnn.cli.options import JsonDocument, default_command
from tui_charrnn.cli.output import print_data, print_json, print_message, table_lines
from tui_charrnn.errors import ConfigError, SettingsFileError, StorageError
from tui_charrnn.invocation import command
from tui_charrnn.paths import is_file
from tui_charrnn.preferences import (
    Origin,
    Preferences,
    Resolution,
    preferences_file,
    resolve,
    starter_text,
    variable_of,
)
from tui_charrnn.runs.storage import Storage, open_output
from tui_charrnn.tui.keys.keymap import keymap_of, remap
from tui_charrnn.tui.keys.table import KEYS
from tui_charrnn.tui.theme.themes import effective_theme

config_app = typer.Typer()


@config_app.command("path")
def show_path() -> None:
    """Print the path of the settings file."""
    path = preferences_file()
    print_data(str(path))
    if not is_file(path):
        print_message(f"This file does not exist yet. Create it with: {command('config', 'init')}")


@default_command(
    config_app, "show", "Show and create the settings file.\n\nWithout a command: show them."
)
def show(as_json: JsonDocument = False) -> None:
    """Print every setting in effect and where it comes from.

    Precedence: environment, file, default. Invalid settings are ignored and reported on
    standard error; the exit code is then 2.
    """
    found = resolve()
    keys, problems = remap(found.keys)
    changed = keymap_of(keys)
    if as_json:
        print_json(_facts(found, changed))
    else:
        print_data(*table_lines(list(_rows(found, changed)), cut=None))
    problems = [*found.problems, *(f"{found.file}: {problem}" for problem in problems)]
    if problems:
        raise SettingsFileError(problems)


@config_app.command("init")
def write_file() -> None:
    """Write a settings file that explains every setting and changes none."""
    path = preferences_file()
    keys = [(key.id, key.keys, key.sentence) for key in KEYS if key.owner != "seed"]
    storage = Storage()
    if os.path.lexists(path):
        raise ConfigError(f"{path} already exists and is not changed.")
    try:
        storage.make_folder(path.parent)
        with open_output(path, overwrite=False) as file:
            file.write(starter_text(keys).encode())
    except StorageError as error:
        raise StorageError(f"{error} CHARRNN_CONFIG names another file.") from error.__cause__
    print_data(str(path))


def _settings(found: Resolution) -> Iterator[tuple[str, Any, str]]:
    """Yield name, value and origin of every setting; for the theme, the one that the app uses."""
    for name, value in found.preferences.to_mapping().items():
        origin = str(found.origins[name])
        yield (
            name,
            *(effective_theme(value or "", origin) if name == "theme" else (value, origin)),
        )


def _rows(found: Resolution, changed: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield the table rows of settings and changed keys: name, value and origin."""
    bounds = Preferences.bounds()
    for name, value, origin in _settings(found):
        is_variable = origin == Origin.ENVIRONMENT
        source = f"{origin} {variable_of(name)}" if is_variable else origin
        yield name, bounds[name].format(value), source
    for name, keys in changed.items():
        yield f"keys.{name}", keys, str(Origin.FILE)


def _facts(found: Resolution, changed: dict[str, str]) -> dict[str, Any]:
    """Return settings and keys as JSON values; null means off or automatic."""
    return {
        "file": str(found.file) if is_file(found.file) else None,
        "settings": {
            name: {"value": value, "origin": origin} for name, value, origin in _settings(found)
        },
        "keys": {
            key.id: {
                "value": changed.get(key.id, key.keys).split(","),
                "origin": str(Origin.FILE if key.id in changed else Origin.DEFAULT),
            }
            for key in KEYS
        },
    }
