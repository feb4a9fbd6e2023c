"""Which themes there are, and which one is worn: asked for, remembered, or the default."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from textual.app import App
from textual.theme import BUILTIN_THEMES, Theme

from tui_charrnn.errors import reason_of
from tui_charrnn.resources import resource_folder
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.theme.theme_files import DEFAULT_THEME, load_theme, load_themes
from tui_charrnn.user_folders import config_folder, state_folder

if TYPE_CHECKING:
    from tui_charrnn.tui.theme.themed_app import ThemedApp

_LAST_RESORT: Final = "textual-dark"
"""Comes with Textual: there is always something to wear."""
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


def register_themes(app: App[None]) -> ThemeSet:
    """Read every theme there is, and let an app wear any of them."""
    theme_set = find_themes()
    for theme in theme_set.themes:
        app.register_theme(theme)
    return theme_set


def apply_theme(app: "ThemedApp", wanted: str = "") -> list[str]:
    """Let an app come in the theme that is wanted.

    If the program has it and the user has none of their own, no other is read: the first frame does
    not wait for what is not worn.

    Args:
        app: The app, before it runs.
        wanted: The name of a theme. If it is empty, TEXTUAL_THEME names one, then the one that was
            kept last, then it is the default.

    Returns:
        One sentence about each theme that cannot be used, safe to show.
    """
    asked = wanted or os.environ.get("TEXTUAL_THEME", "")
    wishes = (asked, remembered_theme(), DEFAULT_THEME)
    problems: list[str] = []
    theme = _bundled_theme(next(filter(None, wishes)))
    if theme is not None:
        app.register_theme(theme)
    else:
        theme_set = register_themes(app)
        problems.extend(theme_set.problems)
        if asked and asked not in app.available_themes:
            names = ", ".join(theme.name for theme in theme_set.themes)
            no_theme = tr("There is no theme {asked!r}. The themes are: {names}.")
            problems.append(no_theme.format(asked=asked, names=names))
    # Textual takes the name from TEXTUAL_THEME before there is such a theme, and then would not
    # take it for a change
    app.set_reactive(App.theme, _LAST_RESORT)
    app.come_in(_first_of(app.available_themes, wishes))
    return [safe_line(problem) for problem in problems]


def theme_in_force(wanted: str, origin: str) -> tuple[str, str]:
    """The theme that the app comes in, and what says so.

    Args:
        wanted: The name of a theme; empty if none is asked for.
        origin: What asks for it.
    """
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


def _bundled_theme(name: str) -> Theme | None:
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


def _first_of(known: Iterable[str], wanted: Sequence[str]) -> str:
    names = set(known)
    return next((name for name in wanted if name in names), _LAST_RESORT)
