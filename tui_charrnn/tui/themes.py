"""Reads themes: one TOML file each, colors only.

Every color is parsed before Textual sees it, because Textual ends the program over a bad one. A
theme that cannot be used is reported in a sentence and left out.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from textual.color import Color, ColorParseError
from textual.theme import Theme

from tui_charrnn.errors import ConfigError
from tui_charrnn.safe_text import safe_line

DEFAULT_THEME: Final = "ember"
"""The name of the theme that the program starts with."""
REQUIRED_COLORS: Final = (
    "primary",
    "secondary",
    "accent",
    "warning",
    "error",
    "success",
    "foreground",
    "background",
    "surface",
    "panel",
)
"""The colors that a theme must set; Textual derives the rest."""
VARIABLES: Final = {
    "seed-text": "accent",
    "generated-text": "foreground",
    "skipped-text": "error",
    "note-text": "text-muted",
    "loss": "primary",
    "loss-validation": "accent",
    "baseline": "text-muted",
}
"""The colors of this program, and the variable of Textual that stands in where a theme has none."""

_LARGEST_FILE: Final = 64 * 1024
"""Bytes; a theme has about one thousand."""
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_TABLES: Final = {"dark": bool, "colors": dict, "variables": dict}


def load_themes(folder: Path) -> tuple[list[Theme], list[str]]:
    """Read every theme of a folder.

    Args:
        folder: Where the `*.toml` files are; a file's name is the theme's. May be missing.

    Returns:
        The themes in the order of their names, and one sentence about each that cannot be used,
        safe to show.
    """
    themes, problems = [], []
    for path in sorted(folder.glob("*.toml")):
        try:
            themes.append(_read_theme(path))
        except ConfigError as problem:
            problems.append(safe_line(f"The theme {path.name} cannot be used: {problem}"))
    return themes, problems


def fallback_variables(theme: Theme) -> dict[str, str]:
    """Colors of this program for a theme that does not know it, such as one of Textual's.

    See `ThemedApp`; without them no style sheet that names one of `VARIABLES` can be read.
    """
    generated = theme.to_color_system().generate()
    return {name: generated[color] for name, color in VARIABLES.items()}


def _read_theme(path: Path) -> Theme:
    if not _NAME.fullmatch(path.stem):
        raise ConfigError(
            "its name must be a lower-case letter, then letters, digits or hyphens, 32 at most."
        )
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
        document = tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        raise ConfigError(f"it cannot be read ({error.strerror}).") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"it is not valid TOML ({error}).") from error
    if len(content) > _LARGEST_FILE:
        raise ConfigError(f"it has more than {_LARGEST_FILE} bytes.")
    for key, value in document.items():
        if not isinstance(value, _TABLES.get(key, ())):
            raise ConfigError(
                f"it may hold dark = true or false, [colors] and [variables], not {key!r}."
            )
    colors = _colors(document.get("colors", {}), (*REQUIRED_COLORS, "boost"))
    variables = _colors(document.get("variables", {}), tuple(VARIABLES))
    missing = [name for name in REQUIRED_COLORS if name not in colors]
    if missing:
        raise ConfigError(f"[colors] lacks {', '.join(missing)}.")
    settings: dict[str, Any] = {"dark": document.get("dark", True), **colors}
    return Theme(name=path.stem, variables=variables, **settings)


def _colors(table: Mapping[str, Any], known: tuple[str, ...]) -> dict[str, str]:
    """Check the names and the values of a table, and write the values in one way."""
    for name, value in table.items():
        if name not in known:
            raise ConfigError(f"{name!r} is none of {', '.join(known)}.")
        if not isinstance(value, str):
            raise ConfigError(f"{name} must be a color in quotes. Received: {value!r}.")
    return {name: _hex(name, value) for name, value in table.items()}


def _hex(name: str, value: str) -> str:
    try:
        color = Color.parse(value)
    except (ColorParseError, ValueError) as error:
        raise ConfigError(f"{name} is not a color. Received: {value!r}.") from error
    if color.ansi is not None:
        raise ConfigError(f"{name} must not be a color of the terminal. Received: {value!r}.")
    return color.hex
