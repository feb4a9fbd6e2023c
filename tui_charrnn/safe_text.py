"""Makes untrusted text safe for a terminal.

A character model repeats its corpus, and a corpus may have escape sequences that write the
clipboard, move the cursor or answer as typed input (CWE-150); the same holds for file names, run
names and log lines. All text from outside this repository passes through `safe_text` before it
reaches a widget, a title, a toast or a terminal.

Each code point is replaced separately, so that pieces of a stream can never form an escape
sequence. Nothing is dropped: a character that cannot be shown is replaced by a symbol for it.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from tui_charrnn.hangul import shown_hangul

_VISIBLE_CONTROLS: Final = {
    **{code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"},
    0x7F: "\N{SYMBOL FOR DELETE}",
    **{code: f"⟨{code:02X}⟩" for code in range(0x80, 0xA0)},
    0x2028: "\N{SYMBOL FOR NEWLINE}",
    0x2029: "\N{SYMBOL FOR NEWLINE}",
}
_COMBINING_LIMIT: Final = 8
"""Maximum combining marks on one base character; more overflow into other rows (Zalgo text)."""
_MARKS: Final = {"Mn", "Me"}
_JOINERS: Final = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"

_FOREIGN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e-\u200f"
    "\u2028-\u202e\u2060-\u206f\ufdd0-\ufdef\ufeff\ufff0-\ufffb\ufffe\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff\ud800-\udfff]"
)
"""Characters that are never shown unchanged: controls, format characters, surrogates,
non-characters.

The zero-width joiner and non-joiner (U+200D, U+200C) are allowed: Indic scripts, Persian and emoji
cannot be read without them.
"""


def safe_text(text: str) -> str:
    """Make untrusted text safe for a terminal and still readable.

    Line feeds and tabs stay; other controls become control pictures (ESC is shown as ␛), C1
    controls their number in brackets, bidirectional controls and other invisible format characters
    their code point in brackets, halves of surrogate pairs the replacement character. Jamo are
    composed, as terminals draw them in different widths. Idempotent.
    """
    return shown_hangul(safe_signs(text))


def safe_signs(text: str) -> str:
    """Like `safe_text` for pieces of a stream: jamo are left unchanged."""
    if text.isascii() and text.isprintable():
        return text
    shown = _FOREIGN.sub(lambda match: _sign_for(match[0]), text)
    return shown if shown.isascii() else _without_piles(shown)


def safe_line(text: str) -> str:
    """Like `safe_text`, on one line: line feeds and tabs become control pictures too."""
    return safe_text(text).replace("\n", "␤").replace("\t", "␉")


def with_few_marks(text: str, instead: str) -> str:
    """Replace combining marks beyond the limit of one base, for a field that counts characters.

    `instead` replaces each such mark.
    """
    if text.isascii():
        return text
    numbered = _numbered_marks(text)
    return "".join(instead if mark > _COMBINING_LIMIT else each for each, mark in numbered)


def _sign_for(character: str) -> str:
    code = ord(character)
    if code in _VISIBLE_CONTROLS:
        return _VISIBLE_CONTROLS[code]
    category = unicodedata.category(character)
    return "\N{REPLACEMENT CHARACTER}" if category in {"Cs", "Cn"} else f"⟨{code:04X}⟩"


def _without_piles(text: str) -> str:
    """Give combining marks beyond the limit of one base a dotted circle as a new base."""
    result = []
    for character, mark in _numbered_marks(text):
        if mark > _COMBINING_LIMIT and mark % _COMBINING_LIMIT == 1:
            result.append("\N{DOTTED CIRCLE}")
        result.append(character)
    return "".join(result)


def _numbered_marks(text: str) -> Iterator[tuple[str, int]]:
    """Yield each character and the number of its mark on its base, from 1; 0 if it is no mark."""
    marks = 0
    for character in text:
        # the category too: some vowel signs that pile up, as in Thai, combine with class 0
        if unicodedata.combining(character) or unicodedata.category(character) in _MARKS:
            marks += 1
            yield character, marks
            continue
        if character not in _JOINERS:  # a joiner has no width and is no new base
            marks = 0
        yield character, 0
