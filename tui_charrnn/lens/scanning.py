"""How properties of a text are followed through it, block by block and without a loop over it.

Every follower takes a `Window` and gives one number for each of its N characters; what it has to
know of earlier characters it keeps.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tui_charrnn.text.vocabulary import code_points

Values = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

LOOK_AHEAD: Final = 100
"""Characters after a window that its properties may depend on."""
LOOK_BACK: Final = 64
"""Characters before a window that are at hand."""
_NEWLINE: Final = ord("\n")
_FAR: Final = 1 << 32
"""More than any depth within a window."""


@dataclass(frozen=True, slots=True)
class Window:
    """N characters of a text, with those around them."""

    text: str
    """N characters, at least 1."""
    before: str = ""
    """The last characters before them, as many as `LOOK_BACK` or as there are."""
    after: str = ""
    """The first characters after them, as many as `LOOK_AHEAD` or as there are."""
    codes: npt.NDArray[np.uint32] = field(init=False)
    """The characters' code points, shape (N,)."""
    previous: npt.NDArray[np.uint32] = field(init=False)
    """Of the character before each, a line feed before the first of all, shape (N,)."""
    following: npt.NDArray[np.uint32] = field(init=False)
    """Of the character after each, a line feed after the last of all, shape (N,)."""

    def __post_init__(self) -> None:
        """Number the characters."""
        around = code_points((self.before[-1:] or "\n") + self.text + (self.after[:1] or "\n"))
        object.__setattr__(self, "codes", around[1:-1])
        object.__setattr__(self, "previous", around[:-2])
        object.__setattr__(self, "following", around[2:])

    @property
    def newlines(self) -> Flags:
        """Which characters are line feeds, shape (N,)."""
        is_newline: Flags = self.codes == _NEWLINE
        return is_newline

    @property
    def empty_lines(self) -> Flags:
        """Which characters are the line feed of an empty line, shape (N,)."""
        is_empty: Flags = self.newlines & (self.previous == _NEWLINE)
        return is_empty


Follower = Callable[[Window], Values]
"""Takes one window after another and gives one number a character, shape (N,)."""


def which(codes: npt.NDArray[np.uint32], test: Callable[[str], bool]) -> Flags:
    """Which of N characters pass a test, which is made once for every different one."""
    different, places = np.unique(codes, return_inverse=True)
    passed: Flags = np.array([test(chr(code)) for code in different], np.bool_)[places]
    return passed


class Events(NamedTuple):
    """Characters after which something is on, off, or the other way round, shape (N,) each."""

    on: Flags
    off: Flags
    toggle: Flags


class Switch:
    """Follows what is on from one character, which counts, to another one, which does not.

    Args:
        find: The events of a window; none is of two kinds.
    """

    def __init__(self, find: Callable[[Window], Events]) -> None:
        self._find = find
        self._is_on = False

    def __call__(self, window: Window) -> Values:
        """1 where it is on after the character, else 0."""
        events = self._find(window)
        count = len(window.codes)
        turns = np.concatenate([[0], events.toggle.cumsum()])
        is_set = np.concatenate([[True], events.on | events.off])
        last_set = np.maximum.accumulate(np.where(is_set, np.arange(count + 1), 0))
        was_on = np.concatenate([[self._is_on], events.on])[last_set]
        is_on = was_on ^ ((turns - turns[last_set]) % 2 == 1)
        self._is_on = bool(is_on[-1])
        values: Values = is_on[1:].astype(np.float32)
        return values


class Depth:
    """Follows how many brackets are open; one that closes nothing does not count.

    Args:
        brackets: The opening and the closing one.
        ends_at_empty_line: Whether an empty line closes all, as one that was forgotten would
            otherwise stay open to the end of the text.
    """

    def __init__(self, brackets: str, *, ends_at_empty_line: bool) -> None:
        self._opening, self._closing = map(ord, brackets)
        self._ends_at_empty_line = ends_at_empty_line
        self._depth = 0

    def __call__(self, window: Window) -> Values:
        """How many are open after each character."""
        steps = (window.codes == self._opening).astype(np.int64)
        steps -= window.codes == self._closing
        if self._ends_at_empty_line:
            steps[window.empty_lines] = -_FAR  # below whatever was there: the lowest so far
        height = self._depth + steps.cumsum()
        depth = height - np.minimum(np.minimum.accumulate(height), 0)
        self._depth = int(depth[-1])
        values: Values = depth.astype(np.float32)
        return values


class Column:
    """Follows how many characters the line has so far: 0 after a line feed.

    Args:
        most: What is counted up to.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._column = 0

    def __call__(self, window: Window) -> Values:
        """The number of characters since the last line feed."""
        column = columns(window, self._column)
        self._column = int(column[-1])
        return np.minimum(column, self._most).astype(np.float32)


class Indentation:
    """Follows how many spaces and tabs the line begins with, as far as it was read.

    Args:
        most: What is counted up to.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._column = self._indentation = 0

    def __call__(self, window: Window) -> Values:
        """The number of them; a tab is one."""
        column = columns(window, self._column)
        is_text = (window.codes != ord(" ")) & (window.codes != ord("\t")) & ~window.newlines
        count = len(column)
        # text of this line before each place, from what the window holds and from before it
        text_so_far = np.concatenate([[0], is_text.cumsum()])
        line_start = np.maximum(np.arange(1, count + 1) - column, 0)
        has_text = text_so_far[1:] > text_so_far[line_start]
        had_text = self._column > self._indentation
        goes_on = np.arange(1, count + 1) < column  # the line began before the window
        is_lead = ~has_text & ~(goes_on & had_text)
        last_lead = np.maximum.accumulate(np.where(is_lead, np.arange(1, count + 1), 0))
        indentation = np.concatenate([[self._indentation], column])[last_lead]
        self._column, self._indentation = int(column[-1]), int(indentation[-1])
        values: Values = np.minimum(indentation, self._most).astype(np.float32)
        return values


def columns(window: Window, before: int) -> npt.NDArray[np.int64]:
    """How many characters each line has so far, shape (N,).

    Args:
        window: N characters.
        before: How many its first line had before the window.
    """
    places = np.arange(1, len(window.codes) + 1)
    starts = np.maximum.accumulate(np.where(window.newlines, places, -before))
    return places - starts


def until_newline(window: Window) -> Values:
    """How many characters come before the line's end, itself 0; `LOOK_AHEAD` if it is further."""
    codes = np.concatenate([window.codes, code_points(window.after[:LOOK_AHEAD])])
    end = len(codes) + (0 if len(window.after) < LOOK_AHEAD else LOOK_AHEAD)
    places = np.where(codes == _NEWLINE, np.arange(len(codes)), end)
    next_newline = np.minimum.accumulate(places[::-1])[::-1][: len(window.codes)]
    distance = next_newline - np.arange(len(window.codes))
    return np.minimum(distance, LOOK_AHEAD).astype(np.float32)
