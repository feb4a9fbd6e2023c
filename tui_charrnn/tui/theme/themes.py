"""Themes: reads one TOML file of colors per theme, and chooses the theme of the app.

Every color is parsed first, because Textual exits on an invalid one. A theme that cannot be used is
reported in a sentence and left out. A theme has either RGB colors or the terminal's sixteen colors:
Textual cannot blend the two.
"""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from textual.color import Color, ColorParseError
from textual.theme import BUILTIN_THEMES, Theme

from tui_charrnn.errors import ConfigError, reason_of
from tui_charrnn.folders import config_folder, resource_folder, state_folder
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr

DEFAULT_THEME: Final = "ember"
"""The name of the default theme."""
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
    "loss-other": "secondary",
    "baseline": "text-muted",
    "xray-negative": "primary",
    "xray-positive": "accent",
}
"""The program's color variables, and Textual's variables that replace them if undefined."""

_LARGEST_FILE: Final = 64 * 1024
"""Bytes; a theme has about one thousand."""
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_TABLES: Final = {"dark": bool, "ansi": bool, "colors": dict, "variables": dict}
_CURSORS: Final = {
    "ansi-background": "ansi_default",
    "ansi-foreground": "ansi_default",
    "block-cursor-foreground": "ansi_black",
    "block-cursor-background": "ansi_cyan",
    "block-cursor-blurred-text-style": "underline",
    "border": "ansi_cyan",
    "border-blurred": "ansi_default",
    "input-selection-background": "ansi_cyan",
    "input-selection-foreground": "ansi_black",
    "screen-selection-background": "ansi_cyan",
    "screen-selection-foreground": "ansi_black",
    "scrollbar": "ansi_cyan",
    "scrollbar-hover": "ansi_cyan",
    "scrollbar-active": "ansi_cyan",
    "scrollbar-background": "ansi_default",
    "scrollbar-background-hover": "ansi_default",
    "scrollbar-background-active": "ansi_default",
    "link-background-hover": "ansi_default",
    "link-color-hover": "ansi_default",
}
"""Colors of cursors, selections and frames in a theme of the terminal's colors. Textual's defaults
are magenta behind the default foreground, and frames that are invisible on a black terminal."""


def load_themes(folder: Path) -> tuple[list[Theme], list[str]]:
    """Read every `*.toml` of a folder, which may be missing; the file name is the theme's name.

    Returns:
        The themes sorted by name, and one sentence about each that cannot be used, as safe text.
    """
    themes, problems = [], []
    for path in sorted(folder.glob("*.toml")):
        try:
            themes.append(_read_theme(path))
        except ConfigError as problem:
            message = tr(
                "The theme {name} cannot be used: {problem}", name=path.name, problem=problem
            )
            problems.append(safe_line(message))
    return themes, problems


def fallback_variables(theme: Theme) -> dict[str, str]:
    """Return the program's color variables for a theme without them, such as one of Textual's.

    See `ThemedApp`; without them Textual cannot parse a style sheet that uses one of `VARIABLES`.
    """
    if theme.variables.keys() >= VARIABLES.keys():
        return {}
    generated = theme.to_color_system().generate()
    return {name: generated[color] for name, color in VARIABLES.items()}


def _read_theme(path: Path) -> Theme:
    if not _NAME.fullmatch(path.stem):
        raise ConfigError(
            "its name must be a lower-case letter, then letters, digits or hyphens, 32 at most."
        )
    document = _read_document(path)
    ansi = document.get("ansi", False)
    colors = _colors(document.get("colors", {}), (*REQUIRED_COLORS, "boost"), ansi=ansi)
    variables = _colors(document.get("variables", {}), tuple(VARIABLES), ansi=ansi)
    missing = [name for name in REQUIRED_COLORS if name not in colors]
    if missing:
        raise ConfigError("[colors] lacks {names}.", names=", ".join(missing))
    settings: dict[str, Any] = {"dark": document.get("dark", True), "ansi": ansi, **colors}
    if ansi:
        variables = {**_CURSORS, **variables}
    return Theme(name=path.stem, variables=variables, **settings)


def _read_document(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
        document = tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        raise ConfigError("it cannot be read ({reason}).", reason=reason_of(error)) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError("it is not valid TOML ({error}).", error=error) from error
    if len(content) > _LARGEST_FILE:
        raise ConfigError("it has more than {count} bytes.", count=_LARGEST_FILE)
    for key, value in document.items():
        if not isinstance(value, _TABLES.get(key, ())):
            raise ConfigError(
                "it may have dark and ansi, each true or false, [colors] and [variables], not "
                "{key!r}.",
                key=key,
            )
    return document


def _colors(table: Mapping[str, Any], known: tuple[str, ...], *, ansi: bool) -> dict[str, str]:
    """Return the colors of a table with normalized values, after checking names and values."""
    for name, value in table.items():
        if name not in known:
            raise ConfigError("{name!r} is none of {known}.", name=name, known=", ".join(known))
        if not isinstance(value, str):
            problem = tr("{name} must be a color in quotes. Received: {value!r}.")
            raise ConfigError(problem.format(name=name, value=value))
    return {name: _checked(name, value, ansi=ansi) for name, value in table.items()}


def _checked(name: str, value: str, *, ansi: bool) -> str:
    try:
        color = Color.parse(value)
    except (ColorParseError, ValueError) as error:
        problem = tr("{name} is not a color. Received: {value!r}.", name=name, value=value)
        raise ConfigError(problem) from error
    if color.ansi is not None and not ansi:
        raise ConfigError(
            "{name} may be a color of the terminal only in a theme with ansi = true. "
            "Received: {value!r}.",
            name=name,
            value=value,
        )
    if color.ansi is None and ansi:
        raise ConfigError(
            "{name} must be a color of the terminal, such as ansi_blue or ansi_default, as the "
            "theme has ansi = true. Received: {value!r}.",
            name=name,
            value=value,
        )
    return color.hex


_FEW_COLORS: Final = {None, "standard", "windows"}
_FEW_COLORS_THEME: Final = "terminal"
"""A bundled theme of the terminal's sixteen colors."""
_LONGEST_NAME: Final = 64  # characters


class ThemeSet(NamedTuple):
    """The bundled themes and the user's."""

    bundled: Sequence[Theme]
    """Those that no theme of the user replaces."""
    own: Sequence[Theme]
    """The user's."""
    problems: Sequence[str]
    """One sentence about each theme that cannot be used, as safe text."""

    @property
    def themes(self) -> list[Theme]:
        """All themes; names are unique."""
        return [*self.bundled, *self.own]


def user_themes_folder() -> Path:
    """Return the folder of the user's themes, one TOML file each; it may be missing."""
    return config_folder() / "themes"


def find_themes() -> ThemeSet:
    """Read all themes; a theme of the user replaces the bundled one of the same name."""
    try:
        bundled, problems = load_themes(resource_folder("themes"))
    except FileNotFoundError as error:
        bundled, problems = [], [safe_line(str(error))]
    own, own_problems = load_themes(user_themes_folder())
    names = {theme.name for theme in own}
    kept = [theme for theme in bundled if theme.name not in names]
    return ThemeSet(kept, own, [*problems, *own_problems])


def effective_theme(wanted: str, origin: str) -> tuple[str, str]:
    """Return the theme that the app uses, and where it was chosen."""
    known = {*BUILTIN_THEMES, *(theme.name for theme in find_themes().themes)}
    if not wanted:
        wanted, origin = os.environ.get("TEXTUAL_THEME", ""), "TEXTUAL_THEME"
    for name, reason in ((wanted, origin), (remembered_theme(), "chosen in the app")):
        if name in known:
            return name, reason
    return DEFAULT_THEME, "default"


def fitting_theme(wanted: str, color_system: str | None) -> tuple[str, str]:
    """Return the theme to use in a terminal with these colors.

    With sixteen, nearly all colors of a theme become the same few: all of `ember` is red.

    Args:
        wanted: The name of a theme; empty if none is requested.
        color_system: Rich's name of the colors that the terminal supports.

    Returns:
        The name of the theme or of its replacement, and a sentence about the replacement if the
        theme was requested.
    """
    asked = wanted or os.environ.get("TEXTUAL_THEME", "")
    if color_system not in _FEW_COLORS or os.environ.get("NO_COLOR"):
        return wanted, ""
    name = asked or DEFAULT_THEME
    is_own = (user_themes_folder() / f"{name}.toml").exists()
    theme = bundled_theme(name)
    if is_own or theme is None or theme.ansi:  # the user's, Textual's, or made for sixteen colors
        return wanted, ""
    sentence = tr(
        "This terminal reports at most 16 colors, too few for {asked}: the theme is {theme}. If "
        "it has more, set COLORTERM=truecolor.",
        asked=asked,
        theme=_FEW_COLORS_THEME,
    )
    return _FEW_COLORS_THEME, sentence if asked else ""


def bundled_theme(name: str) -> Theme | None:
    """Return a bundled theme; None if it does not exist or cannot be used."""
    try:
        path = resource_folder("themes") / f"{name}.toml"
        return _read_theme(path) if _NAME.fullmatch(name) else None
    except (ConfigError, FileNotFoundError):
        return None


def remembered_theme() -> str:
    """Return the name of the last saved theme; empty if there is none or it cannot be read."""
    try:
        with _theme_file().open(encoding="utf-8") as file:
            return file.read(_LONGEST_NAME).strip()
    except (OSError, UnicodeDecodeError):
        return ""


def remember_theme(name: str) -> str:
    """Save the name of a theme for the next start.

    Returns:
        Why that failed, as safe text; empty if it did not.
    """
    path = _theme_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}\n", encoding="utf-8")
    except OSError as error:
        return safe_line(
            tr(
                "The theme is used until you quit; it cannot be saved: {reason}",
                reason=reason_of(error),
            )
        )
    return ""


def _theme_file() -> Path:
    return state_folder() / "theme"
