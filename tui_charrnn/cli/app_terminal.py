"""Whether the app can be opened in the terminal that there is."""

import codecs
import os
import sys
from collections.abc import Mapping
from typing import Final, TextIO

from tui_charrnn.cli.output import has_terminal
from tui_charrnn.errors import ConfigError
from tui_charrnn.invocation import command
from tui_charrnn.safe_text import safe_line

_PLAIN: Final = frozenset({"dumb", "unknown"})
"""What TERM says of a terminal that cannot place text, as those within editors are."""


def require_app_terminal() -> None:
    """Refuse a terminal in which the app cannot be seen or typed to.

    Raises:
        ConfigError: Says what is missing and names the commands that need no such terminal.
    """
    obstacle = app_obstacle()
    if obstacle:
        raise ConfigError(
            f"{obstacle} Without the app: `{command('generate')}`, "
            f"`{command('train', '--headless')}`, `{command('runs')}`."
        )


def app_obstacle(environment: Mapping[str, str] = os.environ) -> str:
    """Why the app cannot be opened here, as a sentence; empty if it can."""
    if not has_terminal():
        return "There is no terminal to open the app in."
    drawn_on = sys.__stderr__  # where Textual draws, so that standard output stays free
    if drawn_on is None or not drawn_on.isatty():
        return "There is no terminal to open the app in: it draws on standard error."
    kind = environment.get("TERM", "")
    if kind in _PLAIN:
        return f"The app cannot be drawn in a terminal that only prints lines (TERM={kind})."
    encoding = foreign_encoding(drawn_on, environment)
    if encoding:
        return (
            f"The app cannot be drawn in the encoding of this locale, {safe_line(encoding)}: "
            "it needs UTF-8, as LC_ALL=C.UTF-8 chooses it."
        )
    return ""


def foreign_encoding(stream: TextIO, environment: Mapping[str, str]) -> str:
    """The encoding of a terminal, where it is not UTF-8; empty where it is.

    Args:
        stream: What writes to the terminal.
        environment: Its locale counts too: where it is not installed, Python itself falls back to
            UTF-8, and the terminal does not. `C` and `POSIX` say nothing about a terminal.
    """
    locales = (environment.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    locale = next((each for each in locales if each), "")
    named = locale.partition("@")[0].partition(".")[2]
    return next((each for each in (stream.encoding, named) if each and not _is_utf8(each)), "")


def _is_utf8(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding).name == "utf-8"
    except (LookupError, ValueError):  # a charset that Python does not know, or no name at all
        return False
