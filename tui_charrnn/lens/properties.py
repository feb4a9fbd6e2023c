"""Plain properties of text, a number for every character, each defined here and nowhere else.

A property says what is true after a character was read, so that a network can know it by then: the
quotation mark that opens is inside, the one that closes is not. Three also look at what follows.
They are properties of characters, not of a language: a lone apostrophe may mislead them, for a line
or a paragraph at most.

Notation: N characters of a block, P properties.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tui_charrnn.errors import ConfigError
from tui_charrnn.lens.scanning import (
    LOOK_AHEAD,
    LOOK_BACK,
    Column,
    Depth,
    Events,
    Flags,
    Follower,
    Indentation,
    Switch,
    Values,
    Window,
    columns,
    until_newline,
    which,
)

_MOST_COLUMNS: Final = 1000
_LONGEST_NAME: Final = 30
_NAME: Final = re.compile(r"[\w .'\u2019-]+")
"""A speaker's name, which begins with a letter that is not a small one."""
_BACKSLASH: Final = ord("\\")
_OPENING: Final = "\N{LEFT SINGLE QUOTATION MARK}"
_CLOSING: Final = "\N{RIGHT SINGLE QUOTATION MARK}"


@dataclass(frozen=True, slots=True)
class Property:
    """Something that is true of a character, or a number that it has."""

    name: str
    sentence: str
    """What its values mean, in a few words."""
    follow: Callable[[], Follower]
    """Begins to follow it through a text."""


def _double_quotes(window: Window) -> Events:
    """Toggled by ", opened by “ and closed by ”; an empty line closes."""
    codes = window.codes
    toggle = (codes == ord('"')) & (window.previous != _BACKSLASH)
    return Events(codes == ord("“"), (codes == ord("”")) | window.empty_lines, toggle)


def _single_quotes(window: Window) -> Events:
    """Opened by ' before a word and not after one, closed after one; the line's end closes.

    An apostrophe within a word is neither; what could be both is the other one than before.
    """
    codes = window.codes
    mark = (codes == ord("'")) & (window.previous != _BACKSLASH)
    opens = mark & ~which(window.previous, str.isalnum) & ~which(window.following, str.isspace)
    closes = mark & ~which(window.previous, str.isspace) & ~which(window.following, str.isalnum)
    curly = (codes == ord(_CLOSING)) & ~which(window.following, str.isalnum)
    return Events(
        (opens & ~closes) | (codes == ord(_OPENING)),
        (closes & ~opens) | curly | window.newlines,
        opens & closes,
    )


def _comment(window: Window) -> Events:
    """From # after a space, or the second / of // that is not after a colon, to the line's end."""
    codes, previous = window.codes, window.previous
    hash_sign = (codes == ord("#")) & which(previous, str.isspace)
    second_to_last = np.concatenate([[ord(window.before[-2:-1] or "\n")], previous[:-1]])
    slashes = (codes == ord("/")) & (previous == ord("/")) & (second_to_last != ord(":"))
    return Events(hash_sign | slashes, window.newlines, np.zeros(len(codes), np.bool_))


class _Speech:
    """Finds where a line begins with a speaker's name and a colon, as ROMEO: or First Citizen:."""

    def __init__(self) -> None:
        self._column = 0
        self._ends_with_colon = False

    def __call__(self, window: Window) -> Events:
        """On at the colon; off at a line feed, but for one right after the colon."""
        column = columns(window, self._column)
        text = window.before + window.text
        on = np.zeros(len(window.codes), np.bool_)
        near = (column > 1) & (column <= _LONGEST_NAME + 1)
        for place in np.flatnonzero((window.codes == ord(":")) & near):
            colon = len(window.before) + int(place)
            name = text[colon - int(column[place]) + 1 : colon]
            begins_well = name[0].isalpha() and not name[0].islower()
            on[place] = begins_well and _NAME.fullmatch(name) is not None
        after_name = np.concatenate([[self._ends_with_colon], on[:-1]])
        self._column, self._ends_with_colon = int(column[-1]), bool(on[-1])
        off = window.newlines & ~after_name
        return Events(on, off, np.zeros(len(on), np.bool_))


def _brackets() -> Follower:
    """The depth of all kinds together."""
    followers = [
        Depth("()", ends_at_empty_line=True),
        Depth("[]", ends_at_empty_line=True),
        Depth("{}", ends_at_empty_line=False),
    ]

    def follow(window: Window) -> Values:
        total: Values = np.sum([each(window) for each in followers], axis=0, dtype=np.float32)
        return total

    return follow


def _is_inside(depth: Follower) -> Follower:
    return lambda window: (depth(window) > 0).astype(np.float32)


def _flag(find: Callable[[Window], Flags]) -> Callable[[], Follower]:
    return lambda: lambda window: find(window).astype(np.float32)


PROPERTIES: Final = (
    Property(
        "double-quotes", 'inside "double quotes" or “curly ones”', lambda: Switch(_double_quotes)
    ),
    Property(
        "single-quotes",
        f"inside 'single quotes' or {_OPENING}curly ones{_CLOSING}",
        lambda: Switch(_single_quotes),
    ),
    Property(
        "parentheses",
        "inside (parentheses)",
        lambda: _is_inside(Depth("()", ends_at_empty_line=True)),
    ),
    Property(
        "square-brackets",
        "inside [square brackets]",
        lambda: _is_inside(Depth("[]", ends_at_empty_line=True)),
    ),
    Property(
        "braces",
        "inside curly braces",
        lambda: _is_inside(Depth("{}", ends_at_empty_line=False)),
    ),
    Property("brackets", "inside brackets of any of these kinds", lambda: _is_inside(_brackets())),
    Property("bracket-depth", "how many brackets are open", _brackets),
    Property(
        "comment", "in a comment, from # or // to the end of the line", lambda: Switch(_comment)
    ),
    Property("after-name", "in the first line after a speaker's NAME:", lambda: Switch(_Speech())),
    Property(
        "line-position",
        "how many characters the line has so far",
        lambda: Column(_MOST_COLUMNS),
    ),
    Property(
        "newline-distance", "how many characters come before the line ends", lambda: until_newline
    ),
    Property(
        "indentation",
        "how many spaces or tabs the line begins with",
        lambda: Indentation(_MOST_COLUMNS),
    ),
    Property(
        "word-start",
        "the first character of a word",
        _flag(lambda each: which(each.codes, str.isalnum) & ~which(each.previous, str.isalnum)),
    ),
    Property("upper-case", "a capital letter", _flag(lambda each: which(each.codes, str.isupper))),
    Property("digit", "a digit", _flag(lambda each: which(each.codes, str.isdigit))),
)
"""In the order in which they are listed."""


def find_properties(names: Sequence[str]) -> tuple[Property, ...]:
    """The properties of some names; all for no name.

    Raises:
        ConfigError: If a name is not known.
    """
    known = {each.name: each for each in PROPERTIES}
    for name in names:
        if name not in known:
            raise ConfigError(f"property must be one of {', '.join(known)}. Received: {name!r}.")
    return tuple(known[name] for name in dict.fromkeys(names)) or PROPERTIES


class PropertyReader:
    """Follows properties through one text."""

    def __init__(self, properties: Sequence[Property] = PROPERTIES) -> None:
        """Begin a text.

        Args:
            properties: P of them.
        """
        self._followers = [each.follow() for each in properties]
        self._before = ""

    def read(self, block: str, after: str = "") -> Values:
        """The properties of the next characters.

        Args:
            block: N characters.
            after: The characters after them, at least `LOOK_AHEAD` or as many as there are.

        Returns:
            Shape (N, P).
        """
        values = np.zeros((len(block), len(self._followers)), np.float32)
        if block:
            window = Window(block, self._before, after[:LOOK_AHEAD])
            for column, follow in enumerate(self._followers):
                values[:, column] = follow(window)
            self._before = (self._before + block)[-LOOK_BACK:]
        return values


def with_following(blocks: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pair the blocks of a text with the characters after each, as `PropertyReader` wants them."""
    waiting: list[str] = []
    length = 0
    for block in blocks:
        waiting.append(block)
        length += len(block)
        while waiting and length - len(waiting[0]) >= LOOK_AHEAD:
            first = waiting.pop(0)
            length -= len(first)
            yield first, "".join(waiting)[:LOOK_AHEAD]
    while waiting:
        first = waiting.pop(0)
        yield first, "".join(waiting)[:LOOK_AHEAD]
