"""Properties of text: functions that assign a number to every character.

A property describes the text up to and including a character, so that a network can know it: an
opening quotation mark is inside the quotation, a closing one is not. Three properties also depend
on what follows. They are heuristics on characters, for any language: a stray apostrophe may confuse
them for at most a line or a paragraph.

A property is computed block by block without a loop over characters: a follower is called with a
`Block`, returns one number for each of its N characters, and carries its state to the next block.

Notation: N characters of a block, P properties.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import ConfigError
from tui_charrnn.text.vocabulary import END, code_points

Values = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

LOOK_AHEAD: Final = 100
"""Characters after a block that its properties may depend on."""
LOOK_BACK: Final = 64
"""Characters before a block that followers can use."""
_NEWLINE: Final = ord("\n")
_FAR: Final = 1 << 32  # more than any depth within a block


class Block:
    """N characters of a text, with their context."""

    def __init__(self, text: str, before: str, after: str, column: int) -> None:
        """Find the lines; `column` is the column of the text after `before`."""
        around = code_points((before[-1:] or "\n") + text + (after[:1] or "\n"))
        self.text: Final = text
        """N characters, at least 1."""
        self.before: Final = before
        """The last characters before them, at most `LOOK_BACK`."""
        self.after: Final = after
        """The first characters after them, at most `LOOK_AHEAD`."""
        self.codes: Final = around[1:-1]
        """The characters' code points, shape (N,)."""
        self.previous: Final = around[:-2]
        """Code point before each character, shape (N,); a line feed before the first of a text."""
        self.following: Final = around[2:]
        """Code point after each character, shape (N,); a line feed after the last of a text."""
        self.newlines: Final[Flags] = self.codes == _NEWLINE
        """Which characters are line feeds, shape (N,)."""
        self.empty_lines: Final[Flags] = self.newlines & (self.previous == _NEWLINE)
        """Which characters are the line feed of an empty line, shape (N,)."""
        positions = np.arange(1, len(text) + 1)
        starts = np.maximum.accumulate(np.where(self.newlines, positions, -column))
        self.columns: Final[npt.NDArray[np.int64]] = positions - starts
        """Characters since the last line feed, after each character, shape (N,)."""


Follower = Callable[[Block], Values]
"""Computes one number for each character of a block, shape (N,), for successive blocks."""


def which(codes: npt.NDArray[np.uint32], test: Callable[[str], bool]) -> Flags:
    """Return which of N characters pass a test, shape (N,)."""
    different, inverse = np.unique(codes, return_inverse=True)
    passed: Flags = np.array([test(chr(code)) for code in different], np.bool_)[inverse]
    return passed


class Events(NamedTuple):
    """Characters that turn a switch on, off, or over, shape (N,) each."""

    on: Flags
    off: Flags
    toggle: Flags


class Switch:
    """A follower that is 1 from the character that turns it on until the one that turns it off.

    A character must not be an event of two kinds.
    """

    def __init__(self, find: Callable[[Block], Events]) -> None:
        self._find = find
        self._is_on = False

    def __call__(self, block: Block) -> Values:
        """Return 1 where the switch is on after the character, else 0."""
        events = self._find(block)
        count = len(block.codes)
        toggles = np.concatenate([[0], events.toggle.cumsum()])
        is_set = np.concatenate([[True], events.on | events.off])
        last_set = np.maximum.accumulate(np.where(is_set, np.arange(count + 1), 0))
        was_on = np.concatenate([[self._is_on], events.on])[last_set]
        is_on = was_on ^ ((toggles - toggles[last_set]) % 2 == 1)
        self._is_on = bool(is_on[-1])
        values: Values = is_on[1:].astype(np.float32)
        return values


class Depth:
    """A follower that counts open brackets of one kind; an unmatched closing one is ignored.

    An empty line closes all but braces, so that an unclosed bracket ends there.
    """

    def __init__(self, brackets: str) -> None:
        self._opening, self._closing = map(ord, brackets)
        self._ends_at_empty_line = brackets != "{}"
        self._depth = 0

    def __call__(self, block: Block) -> Values:
        """Return how many are open after each character."""
        steps = (block.codes == self._opening).astype(np.int64)
        steps -= block.codes == self._closing
        if self._ends_at_empty_line:
            steps[block.empty_lines] = -_FAR  # below every height so far, so the depth is 0
        height = self._depth + steps.cumsum()
        depth = height - np.minimum(np.minimum.accumulate(height), 0)
        self._depth = int(depth[-1])
        values: Values = depth.astype(np.float32)
        return values


class Indentation:
    """A follower of the indentation: leading spaces and tabs of the line so far, at most 1,000."""

    def __init__(self) -> None:
        self._has_text = Switch(_text_of_line)
        self._indentation = 0

    def __call__(self, block: Block) -> Values:
        """Return the number of leading spaces and tabs; a tab counts as one."""
        is_lead = self._has_text(block) == 0
        last_lead = np.maximum.accumulate(np.where(is_lead, np.arange(1, len(is_lead) + 1), 0))
        indentation = np.concatenate([[self._indentation], block.columns])[last_lead]
        self._indentation = int(indentation[-1])
        values: Values = np.minimum(indentation, _MOST_COLUMNS).astype(np.float32)
        return values


def until_newline(block: Block) -> Values:
    """Return the distance of each character to the next line feed, at most `LOOK_AHEAD`."""
    codes = np.concatenate([block.codes, code_points(block.after[:LOOK_AHEAD])])
    end = len(codes) + (0 if len(block.after) < LOOK_AHEAD else LOOK_AHEAD)
    positions = np.where(codes == _NEWLINE, np.arange(len(codes)), end)
    next_newline = np.minimum.accumulate(positions[::-1])[::-1][: len(block.codes)]
    distance = next_newline - np.arange(len(block.codes))
    return np.minimum(distance, LOOK_AHEAD).astype(np.float32)


_MOST_COLUMNS: Final = 1000
_NAME: Final = re.compile(r"^[\w .'\u2019-]{1,30}:", re.MULTILINE)
"""A speaker's name at the start of a line, shorter than `LOOK_BACK`; its first letter must not be
lower case, which is checked separately."""
_BACKSLASH: Final = ord("\\")
_OPENING: Final = "\N{LEFT SINGLE QUOTATION MARK}"
_CLOSING: Final = "\N{RIGHT SINGLE QUOTATION MARK}"


@dataclass(frozen=True, slots=True)
class Property:
    """A property of characters."""

    name: str
    sentence: str
    """Its description, to complete a sentence."""
    follow: Callable[[], Follower]
    """Creates a follower for a new text."""


def _double_quotes(block: Block) -> Events:
    """Find double quotes: " toggles, “ opens, ” and an empty line close."""
    codes = block.codes
    toggle = (codes == ord('"')) & (block.previous != _BACKSLASH)
    return Events(codes == ord("“"), (codes == ord("”")) | block.empty_lines, toggle)


def _single_quotes(block: Block) -> Events:
    """Find single quotes: ' opens before a word, and closes after one or at the line's end.

    An apostrophe within a word is no event; an ambiguous quote toggles.
    """
    codes = block.codes
    mark = (codes == ord("'")) & (block.previous != _BACKSLASH)
    opens = mark & ~which(block.previous, str.isalnum) & ~which(block.following, str.isspace)
    closes = mark & ~which(block.previous, str.isspace) & ~which(block.following, str.isalnum)
    curly = (codes == ord(_CLOSING)) & ~which(block.following, str.isalnum)
    return Events(
        (opens & ~closes) | (codes == ord(_OPENING)),
        (closes & ~opens) | curly | block.newlines,
        opens & closes,
    )


def _comment(block: Block) -> Events:
    """Find comments: # after a space, or // not after a colon, to the line's end."""
    codes, previous = block.codes, block.previous
    hash_sign = (codes == ord("#")) & which(previous, str.isspace)
    second_to_last = np.concatenate([[ord(block.before[-2:-1] or "\n")], previous[:-1]])
    slashes = (codes == ord("/")) & (previous == ord("/")) & (second_to_last != ord(":"))
    return Events(hash_sign | slashes, block.newlines, np.zeros(len(codes), np.bool_))


def _speaker_line(block: Block) -> Events:
    """Find lines that begin with a speaker's name and a colon, as ROMEO: or First Citizen:.

    The colon turns on, a line feed that does not follow it directly turns off.
    """
    text = block.before + block.text
    names = [match for match in _NAME.finditer(text) if match[0][0].isalpha()]
    on = np.zeros(len(text), np.bool_)
    on[[match.end() - 1 for match in names if not match[0][0].islower()]] = True
    first = len(block.before)
    after_name = np.concatenate([[False], on[:-1]])[first:]
    return Events(on[first:], block.newlines & ~after_name, np.zeros_like(after_name))


def _text_of_line(block: Block) -> Events:
    """Find the text of lines: what is no space or tab turns on, a line feed off."""
    is_text = (block.codes != ord(" ")) & (block.codes != ord("\t")) & ~block.newlines
    return Events(is_text, block.newlines, np.zeros_like(is_text))


def _brackets() -> Follower:
    """Return a follower of the total depth of all kinds of brackets."""
    followers = [Depth("()"), Depth("[]"), Depth("{}")]

    def follow(block: Block) -> Values:
        total: Values = np.sum([each(block) for each in followers], axis=0, dtype=np.float32)
        return total

    return follow


def _is_inside(depth: Follower) -> Follower:
    return lambda block: (depth(block) > 0).astype(np.float32)


def _by_block(find: Callable[[Block], npt.NDArray[Any]]) -> Callable[[], Follower]:
    """Return a constructor of followers that carry nothing to the next block."""
    return lambda: lambda block: find(block).astype(np.float32)


PROPERTIES: Final = (
    Property(
        "double-quotes", 'inside "double quotes" or “curly ones”', lambda: Switch(_double_quotes)
    ),
    Property(
        "single-quotes",
        f"inside 'single quotes' or {_OPENING}curly ones{_CLOSING}",
        lambda: Switch(_single_quotes),
    ),
    Property("parentheses", "inside (parentheses)", lambda: _is_inside(Depth("()"))),
    Property("square-brackets", "inside [square brackets]", lambda: _is_inside(Depth("[]"))),
    Property("braces", "inside curly braces", lambda: _is_inside(Depth("{}"))),
    Property("brackets", "inside brackets of any of these kinds", lambda: _is_inside(_brackets())),
    Property("bracket-depth", "how many brackets are open", _brackets),
    Property(
        "comment", "in a comment, from # or // to the end of the line", lambda: Switch(_comment)
    ),
    Property(
        "after-name", "in the first line after a speaker's NAME:", lambda: Switch(_speaker_line)
    ),
    Property(
        "line-position",
        "how many characters the line has so far",
        _by_block(lambda each: np.minimum(each.columns, _MOST_COLUMNS)),
    ),
    Property(
        "newline-distance", "how many characters come before the line ends", lambda: until_newline
    ),
    Property("indentation", "how many spaces or tabs the line begins with", Indentation),
    Property(
        "word-start",
        "the first character of a word",
        _by_block(lambda each: which(each.codes, str.isalnum) & ~which(each.previous, str.isalnum)),
    ),
    Property(
        "upper-case", "a capital letter", _by_block(lambda each: which(each.codes, str.isupper))
    ),
    Property("digit", "a digit", _by_block(lambda each: which(each.codes, str.isdigit))),
)
"""All properties, in the order of display."""


def find_properties(names: Sequence[str]) -> tuple[Property, ...]:
    """Return the properties of some names; without names, all.

    Raises:
        ConfigError: If a name is unknown.
    """
    known = {each.name: each for each in PROPERTIES}
    for name in names:
        if name not in known:
            raise ConfigError(f"--property must be one of {', '.join(known)}. Received: {name!r}.")
    return tuple(known[name] for name in dict.fromkeys(names)) or PROPERTIES


class PropertyReader:
    """Computes properties over one text, block by block."""

    def __init__(self, properties: Sequence[Property] = PROPERTIES) -> None:
        self._followers = [each.follow() for each in properties]
        self._before, self._column = "", 0

    def read(self, text: str, after: str = "") -> Values:
        """Return the properties of the next N characters, shape (N, P).

        `after` is the text that follows them, `LOOK_AHEAD` characters if there are so many. The end
        sign of a record ends a line.
        """
        text, after = (each.replace(END, "\n") for each in (text, after))
        values = np.zeros((len(text), len(self._followers)), np.float32)
        if text:
            block = Block(text, self._before, after[:LOOK_AHEAD], self._column)
            for column, follow in enumerate(self._followers):
                values[:, column] = follow(block)
            self._before = (self._before + text)[-LOOK_BACK:]
            self._column = int(block.columns[-1])
        return values


def with_following(blocks: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pair each block of a text with the characters that follow it, for `PropertyReader.read`."""
    waiting: list[str] = []
    for block in blocks:
        waiting.append(block)
        while sum(map(len, waiting[1:])) >= LOOK_AHEAD:
            yield waiting.pop(0), "".join(waiting)[:LOOK_AHEAD]
    while waiting:
        yield waiting.pop(0), "".join(waiting)[:LOOK_AHEAD]
