"""The sequences by which the app may steer a terminal, and keys that are pressed to see them."""

from collections.abc import Sequence as Several
from functools import partial
from typing import Final

from tests.support.escape_sequences import Sequence, sequences
from tests.support.terminal import Terminal

MODES: Final = frozenset({
    7,  # the last column wraps
    25,  # the cursor is seen
    1000, 1003, 1006, 1015,  # the mouse is told of
    1004,  # whether the window has the focus
    1049,  # a screen of its own
    2004,  # what is pasted is marked
    2026,  # a frame is shown whole
    2048,  # the size is told
})  # fmt: skip
"""Private modes of DEC and of today's terminals."""
ALLOWED: Final = frozenset({
    ("CSI", "m"),  # colors
    ("CSI", "H"),  # places
    ("CSI", "?h"),
    ("CSI", "?l"),
    ("CSI", "?$p"),  # whether a mode is known
    ("CSI", "<u"),  # the keyboard as it was
    ("OSC", "22"),  # the shape of the mouse pointer
    ("OSC", "0"),  # the title of the window: how far the run is
    ("OSC", "9"),  # the same as a progress bar
    ("control", "\a"),  # the bell, as a run ends
    ("control", "\r"),
    ("control", "\n"),
})
TITLE: Final = frozenset({(22, 0), (23, 0)})
"""What keeps the title of the window, and brings it back."""
ESCAPE: Final = "\x1b"
Keys = Several[tuple[str, str]]
"""What is typed, and what is on the screen then; after Escape, what is there no more."""


def allowed(sequence: Sequence) -> bool:
    """Whether the app needs it."""
    if sequence.name in {"?h", "?l", "?$p"}:
        return sequence.kind == "CSI" and MODES.issuperset(sequence.values)
    if sequence.name == "t":
        return sequence.kind == "CSI" and sequence.values in TITLE
    return (sequence.kind, sequence.name) in ALLOWED


def until_quiet(terminal: Terminal) -> None:
    """Read for as long as something comes, and no longer than a moment."""
    for _ in range(20):
        if not terminal.read(0.1):
            return


def press(terminal: Terminal, keys: Keys) -> None:
    """Type one thing after another, each once what the one before it brings is there."""
    for typed, shown in keys:
        terminal.write(typed)
        if typed == ESCAPE:
            terminal.wait_for(f"no {shown}", partial(is_gone, terminal, shown))
        else:
            terminal.wait_for_text(shown)
        until_quiet(terminal)


def is_gone(terminal: Terminal, text: str) -> bool:
    """Whether the screen does not show a text."""
    return text not in terminal.text


def foreign_sequences(terminal: Terminal) -> list[Sequence]:
    """What the terminal was sent that the app does not need."""
    return [each for each in sequences(terminal.raw.decode("utf-8")) if not allowed(each)]
