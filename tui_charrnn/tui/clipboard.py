"""Whether a terminal can be trusted to take a copy into the clipboard.

A program asks its terminal to by an escape sequence (OSC 52), and no terminal answers. Some take
it, some only if they are set so, some never do; a multiplexer in between may swallow it.
"""

from collections.abc import Mapping
from typing import Final

LONGEST_COPY: Final = 50_000
"""Bytes that every terminal takes that takes copies at all; some stop at 75,000 of base64."""

_BY_TERM: Final = ("xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm", "contour", "rio")
_BY_PROGRAM: Final = frozenset({"WezTerm", "ghostty", "kitty", "vscode", "rio"})
_MULTIPLEXERS: Final = ("TMUX", "STY", "ZELLIJ")


def takes_copies(environment: Mapping[str, str]) -> bool:
    """Whether the terminal is one that is known to take copies without being told to.

    Args:
        environment: The variables by which terminals name themselves.
    """
    if any(environment.get(name) for name in _MULTIPLEXERS):
        return False
    return (
        environment.get("TERM", "").startswith(_BY_TERM)
        or environment.get("TERM_PROGRAM") in _BY_PROGRAM
        or bool(environment.get("WT_SESSION"))  # Windows Terminal
    )
