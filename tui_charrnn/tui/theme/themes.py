"""Themes: one TOML file each, colors only; and which of them the app comes in.

Every color is parsed before Textual sees it, because Textual ends the program over a bad one. A
theme that cannot be used is reported in a sentence and left out. A theme either has colors of its
own or takes all of them from the sixteen of the terminal: the two cannot be blended.
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
    "loss-other": "secondary",
    "baseline": "text-muted",
    "xray-negative": "primary",
    "xray-positive": "accent",
}
"""The colors of this program, and the variable of Textual that stands in where a theme has none."""

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
"""What a theme in the terminal's colors marks a place with. Textual's choice is magenta behind the
default foreground, and black for frames, which nobody sees on a black terminal."""


def load_themes(folder: Path) -> tuple[list[Theme], list[str]]:
    """Read every `*.toml` of a folder, which may be missing; a file's name is the theme's.

    Returns:
        The themes in the order of their names, and one sentence about each that cannot be used,
        safe to show.
    """
    themes, problems = [], []
    for path in sorted(folder.glob("*.toml")):
        try:
            themes.append(_read_theme(path))
        except ConfigError as problem:
            words = tr(
                "The theme {name} cannot be used: {problem}", name=path.name, problem=problem
            )
            problems.append(safe_line(words))
    return themes, problems


def load_theme(folder: Path, name: str) -> Theme | None:
    """One theme of a folder; None if there is no such theme, or it cannot be used."""
    try:
        return _read_theme(folder / f"{name}.toml") if _NAME.fullmatch(name) else None
    except ConfigError:
        return None


def fallback_variables(theme: Theme) -> dict[str, str]:
    """Colors of this program for a theme that does not know it, such as one of Textual's.

    See `ThemedApp`; without them no style sheet that names one of `VARIABLES` can be read.
    """
    if theme.variables.keys() >= VARIABLES.keys():
        return {}
    generated = theme.to_color_system().generate()
    return {name: generated[color] for name, color in VARIABLES.items()}


def _read_theme(path: Path) -> Theme:
    if not _NAME.fullmatch(path.stem):
        raise ConfigError(
            tr("its name must be a lower-case letter, then letters, digits or hyphens, 32 at most.")
        )
    document = _read_document(path)
    ansi = document.get("ansi", False)
    colors = _colors(document.get("colors", {}), (*REQUIRED_COLORS, "boost"), ansi=ansi)
    variables = _colors(document.get("variables", {}), tuple(VARIABLES), ansi=ansi)
    missing = [name for name in REQUIRED_COLORS if name not in colors]
    if missing:
        raise ConfigError(tr("[colors] lacks {names}.", names=", ".join(missing)))
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
        raise ConfigError(tr("it cannot be read ({reason}).", reason=reason_of(error))) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(tr("it is not valid TOML ({error}).", error=error)) from error
    if len(content) > _LARGEST_FILE:
        raise ConfigError(tr("it has more than {count} bytes.", count=_LARGEST_FILE))
    for key, value in document.items():
        if not isinstance(value, _TABLES.get(key, ())):
            raise ConfigError(
                tr(
                    "it may hold dark and ansi, each true or false, [colors] and [variables], "
                    "not {key!r}.",
                    key=key,
                )
            )
    return document


def _colors(table: Mapping[str, Any], known: tuple[str, ...], *, ansi: bool) -> dict[str, str]:
    """Check the names and the values of a table, and write the values in one way."""
    for name, value in table.items():
        if name not in known:
            raise ConfigError(tr("{name!r} is none of {known}.", name=name, known=", ".join(known)))
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
            tr(
                "{name} may be a color of the terminal only in a theme with ansi = true. "
                "Received: {value!r}.",
                name=name,
                value=value,
            )
        )
    if color.ansi is None and ansi:
        raise ConfigError(
            tr(
                "{name} must be a color of the terminal, such as ansi_blue or ansi_default, as the "
                "theme has ansi = true. Received: {value!r}.",
                name=name,
                value=value,
            )
        )
    return color.hex


_FEW_COLORS: Final = {None, "standard", "windows"}
_FEW_COLORS_THEME: Final = "terminal"
"""It has the sixteen colors of the terminal, whatever they are."""
_LONGEST_NAME: Final = 64  # characters


class ThemeSet(NamedTuple):
    """The themes of the program and those of its user."""

    bundled: Sequence[Theme]
    """Those that no theme of the user's has taken the place of."""
    own: Sequence[Theme]
    """The user's."""
    problems: Sequence[str]
    """One sentence about each theme that cannot be used, safe to show."""

    @property
    def themes(self) -> list[Theme]:
        """All of them; no two have one name."""
        return [*self.bundled, *self.own]


def user_themes_folder() -> Path:
    """Where the user keeps themes, one TOML file each; may be missing."""
    return config_folder() / "themes"


def find_themes() -> ThemeSet:
    """Read every theme there is; one of the user's takes the place of a bundled one of its name."""
    try:
        bundled, problems = load_themes(resource_folder("themes"))
    except FileNotFoundError as error:
        bundled, problems = [], [safe_line(str(error))]
    own, own_problems = load_themes(user_themes_folder())
    names = {theme.name for theme in own}
    kept = [theme for theme in bundled if theme.name not in names]
    return ThemeSet(kept, own, [*problems, *own_problems])


def theme_in_force(wanted: str, origin: str) -> tuple[str, str]:
    """The theme that the app comes in, asked for or not, and what says so."""
    known = [theme.name for theme in find_themes().themes]
    wishes = (
        (wanted, origin),
        (os.environ.get("TEXTUAL_THEME", ""), "TEXTUAL_THEME"),
        (remembered_theme(), "chosen in the app"),
    )
    asked = next((wish for wish in wishes[:2] if wish[0]), wishes[2])
    for name, reason in (asked, wishes[2]):
        if name in known or name in BUILTIN_THEMES:
            return name, reason
    return DEFAULT_THEME, "default"


def fitting_theme(wanted: str, color_system: str | None) -> tuple[str, str]:
    """The theme to ask for in a terminal with so many colors.

    With sixteen, nearly all colors of a theme become the same few: everything of `ember` is red.

    Args:
        wanted: The name of a theme; empty if none is asked for.
        color_system: As Rich names what the terminal can show.

    Returns:
        Its name, or that of the theme which takes its place, and then a sentence about it if it
        was asked for.
    """
    asked = wanted or os.environ.get("TEXTUAL_THEME", "")
    if color_system not in _FEW_COLORS or os.environ.get("NO_COLOR"):
        return wanted, ""
    name = asked or DEFAULT_THEME
    is_own = (user_themes_folder() / f"{name}.toml").exists()
    theme = load_theme(resource_folder("themes"), name)
    if is_own or theme is None or theme.ansi:  # the user's, one of Textual's, or made for it
        return wanted, ""
    sentence = tr(
        "This terminal says that it has 16 colors at most, in which {asked} cannot be shown: the "
        "theme is {theme}. COLORTERM=truecolor says otherwise.",
        asked=asked,
        theme=_FEW_COLORS_THEME,
    )
    return _FEW_COLORS_THEME, sentence if asked else ""


def bundled_theme(name: str) -> Theme | None:
    """A theme of the program; None if there is none, or one of the user's may take its place."""
    if user_themes_folder().is_dir():
        return None
    try:
        return load_theme(resource_folder("themes"), name)
    except FileNotFoundError:
        return None


def remembered_theme() -> str:
    """The name of the theme that was kept last; empty if none was, or if it cannot be read."""
    try:
        with _memory().open(encoding="utf-8") as file:
            return file.read(_LONGEST_NAME).strip()
    except (OSError, UnicodeDecodeError):
        return ""


def remember_theme(name: str) -> str:
    """Keep the name of a theme for the next time.

    Returns:
        Why that is not possible, safe to show; empty if it was.
    """
    memory = _memory()
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(f"{name}\n", encoding="utf-8")
    except OSError as error:
        return safe_line(
            tr(
                "The theme is on until you leave; it cannot be kept: {reason}",
                reason=reason_of(error),
            )
        )
    return ""


def _memory() -> Path:
    return state_folder() / "theme"
