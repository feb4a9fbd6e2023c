"""What a whole screen shows, widget beside widget, as the terminal gets it."""

from typing import Any

from textual.app import App

from tui_charrnn.tui.dialogs import AskTextScreen


def screen_rows(app: App[Any]) -> list[str]:
    """The text of every row of the screen, without the space at its end."""
    return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]


def screen_text(app: App[Any]) -> str:
    """All rows as one text."""
    return "\n".join(screen_rows(app))


def is_asked(app: App[Any]) -> bool:
    """Whether a line is asked for and has the focus: keys that come before are lost."""
    return isinstance(app.screen, AskTextScreen) and app.screen.focused is not None
