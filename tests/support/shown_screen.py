"""What a whole screen shows, widget beside widget, as the terminal gets it."""

from typing import Any

from textual.app import App


def screen_rows(app: App[Any]) -> list[str]:
    """The text of every row of the screen, without the space at its end."""
    return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]


def screen_text(app: App[Any]) -> str:
    """All rows as one text."""
    return "\n".join(screen_rows(app))
