"""Splits Hangul syllables into letters (jamo) and composes them.

All 11,172 syllables consist of 19 initials, 21 medials and 27 finals, each with a code point of its
own (Unicode, section 3.12), so composing needs no look-ahead. Only syllables are changed: old
Hangul, the letters of the compatibility block and other text stay.
"""

import re
import unicodedata
from collections.abc import Container, Iterable, Iterator
from typing import Final

from tui_charrnn.errors import CorpusError

_INITIAL: Final = 0x1100
_MEDIAL: Final = 0x1161
_FINAL: Final = 0x11A7
"""One before the first final: final number 0 means none."""
_MEDIALS, _FINALS = 21, 28
INITIALS: Final = frozenset(map(chr, range(_INITIAL, _INITIAL + 19)))
MEDIALS: Final = frozenset(map(chr, range(_MEDIAL, _MEDIAL + _MEDIALS)))
FINALS: Final = frozenset(map(chr, range(_FINAL + 1, _FINAL + _FINALS)))

# compiled at the first use: compiling takes 2 ms
_SYLLABLES: Final = "[\uac00-\ud7a3]+"
_HANGUL: Final = "[\uac00-\ud7a3\u1100-\u1112]"
_COMPOSABLE: Final = "[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?|[\uac00-\ud7a3][\u11a8-\u11c2]"
"""Jamo that compose into one syllable, the second form only if the syllable has no final yet."""
_INCOMPLETE: Final = "(?:[\u1100-\u1112][\u1161-\u1175]?|[\uac00-\ud7a3])\\Z"
"""An end of a text that the next character may change."""
_JAMO: Final = "[\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7fb]"
FILLER: Final = "\N{HANGUL CHOSEONG FILLER}"
"""Placeholder for a missing initial."""
_LONE_JAMO: Final = f"{FILLER}([\u1161-\u11c2])"


def split_syllables(text: str) -> str:
    """Split every Hangul syllable into an initial, a medial and an optional final."""
    if text.isascii():
        return text
    return re.sub(_SYLLABLES, lambda found: unicodedata.normalize("NFD", found[0]), text)


def join_syllables(text: str) -> str:
    """Compose jamo into syllables: the inverse of `split_syllables`.

    A lone initial, old Hangul and other text stay unchanged.
    """
    if text.isascii():
        return text
    return re.sub(_COMPOSABLE, lambda found: unicodedata.normalize("NFC", found[0]), text)


def whole_text(text: str, units: str) -> str:
    """A text with its jamo composed if its units are `jamo`; see `Model.units`."""
    return join_syllables(text) if units == "jamo" else text


def joined_pieces(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the result of `join_syllables` for a text in pieces, cut anywhere."""
    joined = JoinedText()
    yield from map(joined.add, pieces)
    yield joined.close()


class JoinedText:
    """Composes a text given in pieces of jamo; an incomplete syllable is held back."""

    def __init__(self) -> None:
        """Start with an empty text."""
        self._held = ""

    def add(self, text: str) -> str:
        """Add a piece; return the part of the text that is complete."""
        if text.isascii() and not self._held:
            return text
        text = self._held + text
        growing = re.search(_INCOMPLETE, text)
        cut = growing.start() if growing else len(text)
        self._held = text[cut:]
        return join_syllables(text[:cut])

    def close(self) -> str:
        """End the text; return the rest."""
        held, self._held = self._held, ""
        return join_syllables(held)


def count_hangul(text: str) -> int:
    """The number of Hangul syllables in a text, whole or in jamo."""
    return len(re.findall(_HANGUL, text))


def spelled_pattern(text: str) -> str:
    """A regular expression for a text whose syllables may be composed or in jamo.

    A syllable does not match the beginning of another one, as 하 would that of 한. The text is in
    NFC.
    """
    return "".join(map(_spelled_pattern, text))


def _spelled_pattern(character: str) -> str:
    parts = split_syllables(character)
    if parts == character:
        return re.escape(character)
    opened = f"(?:{join_syllables(parts[:2])}|{parts[:2]})"
    if len(parts) == 2:
        return f"{opened}(?![\u11a8-\u11ff])"
    return f"(?:{character}|{opened}{parts[2]})"


def spelled_in(known: Container[str], character: str) -> str:
    """A composed character as a model knows it: itself, its parts, or an empty string.

    A corpus may have been read in parts: in jamo, or without composing. A lone compatibility letter
    is then read as the jamo that it looks like, an initial if there are two.
    """
    if character in known:
        return character
    is_letter = "\u3131" <= character <= "\u3163"
    parts = unicodedata.normalize("NFKD" if is_letter else "NFD", character)
    return parts if all(part in known for part in parts) else ""


def refuse_uncomposed(text: str) -> None:
    """Refuse a text whose split into jamo cannot be undone.

    A text in NFC is never refused.

    Raises:
        CorpusError: If it has jamo that would be composed into a syllable.
    """
    for jamo in re.findall(_COMPOSABLE, text):
        if not unicodedata.is_normalized("NFC", jamo):
            codes = " ".join(f"U+{ord(character):04X}" for character in jamo)
            raise CorpusError(
                "The text has decomposed Hangul, which jamo models compose. Received: {codes}. "
                "Compose it (leave out --keep-decomposed), or train on characters (--units "
                "characters).",
                codes=codes,
            )


def continues_syllable(character: str) -> bool:
    """Whether a character is a medial or a final, old ones included: part of a syllable before it.

    Every other character counts as one when syllables are counted.
    """
    return "\u1160" <= character <= "\u11ff" or "\ud7b0" <= character <= "\ud7fb"


def compose_typed(before: str, typed: str) -> tuple[int, str]:
    """Compose letters that some terminals and systems send one by one.

    Returns:
        The number of characters before the cursor to replace, and the composed text.
    """
    last = before[-1:]
    if typed[:1] in MEDIALS:  # a field may show a lone initial as a compatibility letter
        last = unicodedata.normalize("NFKD", last)
    composed = unicodedata.normalize("NFC", last + typed)
    if not last or composed.startswith(last):
        return 0, unicodedata.normalize("NFC", typed)
    return 1, composed


def is_jamo(character: str) -> bool:
    """Whether it is a conjoining letter, which is never sent to a terminal unchanged."""
    return re.match(_JAMO, character) is not None


def continued(before: str, character: str) -> str:
    """The syllable that a jamo makes with the end of `before`; any other character unchanged."""
    growing = re.search(_INCOMPLETE, before)
    joined = join_syllables(growing[0] + character) if growing else ""
    return joined if len(joined) == 1 else character


def shown_hangul(text: str) -> str:
    """Replace conjoining jamo, whose width differs between terminals.

    Jamo that form a syllable are composed. A lone letter becomes that of the compatibility block,
    which is as wide as a syllable; an old letter without one becomes its code point in brackets.
    """
    if text.isascii() or re.search(_JAMO, text) is None:
        return text
    return re.sub(_JAMO, lambda found: _letter(found[0]), join_syllables(text))


def placed(character: str, parts: int) -> tuple[str, int]:
    """Lay out a character of a stream so that every syllable is two cells wide.

    A medial or final without the part before it gets a filler as its initial, which `drawn_hangul`
    removes. An old letter is replaced as in `shown_hangul`.

    `parts` is the number of parts of the syllable at the end of the stream, 0 to 2; at first 0.

    Returns:
        The text for the character, and the new number of parts.
    """
    if character in INITIALS:
        return character, 1
    if character in MEDIALS:
        return (character, 2) if parts == 1 else (FILLER + character, 0)
    if character in FINALS:
        return (character if parts == 2 else FILLER + character), 0
    if is_open_syllable(character):  # of a seed text; jamo may follow it
        return character, 2
    return (shown_hangul(character) if is_jamo(character) else character), 0


def is_open_syllable(character: str) -> bool:
    """Whether it is a syllable without a final."""
    return len(split_syllables(character)) == 2


def drawn_hangul(text: str) -> str:
    """The text to draw for a text from `placed`, of the same width."""
    if text.isascii() or re.search(_JAMO, text) is None:
        return text
    return shown_hangul(re.sub(_LONE_JAMO, lambda found: _letter(found[1]), text))


def _letter(jamo: str) -> str:
    """The compatibility letter that looks like a conjoining jamo."""
    name = unicodedata.name(jamo, "").partition("SEONG ")[2]
    try:
        return unicodedata.lookup(f"HANGUL LETTER {name}")
    except KeyError:
        return f"⟨{ord(jamo):04X}⟩"
