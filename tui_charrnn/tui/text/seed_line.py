"""What a seed looks like to a model: which of its characters it knows.

A model reads text in Unicode's composed form (NFC), while a keyboard may send a Hangul syllable or
an accented letter in parts; the parts are known if what they compose is, or the other way round.
"""

import unicodedata
from collections.abc import Iterator

from tui_charrnn.safe_text import safe_text, with_few_marks
from tui_charrnn.text.decoding import spelled_in


def unknown_in(text: str, vocabulary: frozenset[str]) -> list[str]:
    """The characters of a text that are not in the vocabulary, each once, in order."""
    composed = unicodedata.normalize("NFC", text)
    return [each for each in dict.fromkeys(composed) if not spelled_in(vocabulary, each)]


def unknown_spans(line: str, vocabulary: frozenset[str]) -> list[tuple[int, int]]:
    """Where in a line the characters are that are not in the vocabulary.

    Returns:
        The start and the end of each, as indices of `line` as it was typed.
    """
    return [
        (start, start + len(parts))
        for start, parts in _compositions(line)
        if not all(spelled_in(vocabulary, each) for each in unicodedata.normalize("NFC", parts))
    ]


def shown_line(line: str) -> str:
    """A line made safe for the terminal, character for character.

    A text field counts in characters, so a character that is not shown as it is becomes exactly one
    other, unlike in `safe_text`.
    """
    if line.isascii() and line.isprintable():
        return line
    signs = map(safe_text, line)
    shown = "".join(sign if len(sign) == 1 else "\N{REPLACEMENT CHARACTER}" for sign in signs)
    return with_few_marks(shown, "\N{ZERO WIDTH NON-JOINER}")  # as wide as a mark


def _compositions(line: str) -> Iterator[tuple[int, str]]:
    """The characters of a line, those that belong together as one."""
    if unicodedata.is_normalized("NFC", line) and not any(map(unicodedata.combining, line)):
        yield from enumerate(line)
        return
    start, parts = 0, ""
    for index, character in enumerate(line):
        if parts and not _belongs_to(parts, character):
            yield start, parts
            start, parts = index, ""
        parts += character
    if parts:
        yield start, parts


def _belongs_to(parts: str, character: str) -> bool:
    if unicodedata.combining(character):
        return True
    apart = unicodedata.normalize("NFC", parts) + unicodedata.normalize("NFC", character)
    return unicodedata.normalize("NFC", parts + character) != apart
