"""Hangul syllables as the letters (jamo) that they are made of, and back.

All 11,172 syllables are written with 19 initials, 21 medials and 27 finals, each with a code point
of its own (Unicode, section 3.12), so what was cut apart is put together without looking ahead.
Only syllables are touched: old Hangul, the letters of the compatibility block and other text stay.
"""

import re
import unicodedata
from collections.abc import Container, Iterable, Iterator
from typing import Final

from tui_charrnn.errors import CorpusError

_INITIAL: Final = 0x1100
_MEDIAL: Final = 0x1161
_FINAL: Final = 0x11A7
"""One before the first final: the number 0 is a syllable that has none."""
_SYLLABLE: Final = 0xAC00
_MEDIALS, _FINALS = 21, 28
INITIALS: Final = frozenset(map(chr, range(_INITIAL, _INITIAL + 19)))
MEDIALS: Final = frozenset(map(chr, range(_MEDIAL, _MEDIAL + _MEDIALS)))
FINALS: Final = frozenset(map(chr, range(_FINAL + 1, _FINAL + _FINALS)))

# compiled at the first use: their ranges would take 2 ms of every start
_SYLLABLES: Final = "[\uac00-\ud7a3]+"
_HANGUL: Final = "[\uac00-\ud7a3\u1100-\u1112]"
_APART: Final = "[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?|[\uac00-\ud7a3][\u11a8-\u11c2]"
"""What would melt into one syllable, the second only where that has no final yet."""
_GROWING: Final = "(?:[\u1100-\u1112][\u1161-\u1175]?|[\uac00-\ud7a3])\\Z"
"""What a text may end in that the next character changes."""
_JAMO: Final = "[\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7fb]"
FILLER: Final = "\N{HANGUL CHOSEONG FILLER}"
"""Stands for an initial that is not there."""
_ALONE: Final = f"{FILLER}([\u1161-\u11c2])"


def split_syllables(text: str) -> str:
    """Cut every Hangul syllable into an initial, a medial and perhaps a final."""
    if text.isascii():
        return text
    return re.sub(_SYLLABLES, lambda found: unicodedata.normalize("NFD", found[0]), text)


def join_syllables(text: str) -> str:
    """Put jamo together where they make a syllable: the inverse of `split_syllables`.

    An initial alone, old Hangul and whatever else makes no syllable stays as it is.
    """
    if text.isascii():
        return text
    return re.sub(_APART, lambda found: _joined(found[0]), text)


def whole_text(text: str, units: str) -> str:
    """A text as people write it: its jamo put together if it came in jamo.

    `units` are what it came in; see `Model.units`.
    """
    return join_syllables(text) if units == "jamo" else text


def joined_pieces(pieces: Iterable[str]) -> Iterator[str]:
    """The same as `join_syllables` for a text that comes in pieces, cut anywhere."""
    joined = JoinedText()
    yield from map(joined.add, pieces)
    yield joined.close()


class JoinedText:
    """Composes a text that comes in pieces of jamo; what may still grow is held back."""

    def __init__(self) -> None:
        """Hold nothing."""
        self._held = ""

    def add(self, text: str) -> str:
        """What is known to be whole after some more of the text."""
        if text.isascii() and not self._held:
            return text
        text = self._held + text
        growing = re.search(_GROWING, text)
        cut = growing.start() if growing else len(text)
        self._held = text[cut:]
        return join_syllables(text[:cut])

    def close(self) -> str:
        """What is left."""
        held, self._held = self._held, ""
        return join_syllables(held)


def has_hangul(text: str) -> bool:
    """Whether a text, or a vocabulary, has Hangul syllables, whole or in jamo."""
    return re.search(_HANGUL, text) is not None


def spelled_pattern(text: str) -> str:
    """A regular expression for a text whose syllables may stand whole or in jamo.

    A syllable does not match the beginning of another one, as 하 would that of 한.

    The text is in composed form (Unicode NFC).
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
    """A composed character as a model knows it: itself, its parts, or nothing.

    A corpus may have been read in parts: in jamo, or without composing. A Hangul letter that stands
    alone is then read as the jamo that it looks like, an initial where there are two.
    """
    if character in known:
        return character
    is_letter = "\u3131" <= character <= "\u3163"
    parts = unicodedata.normalize("NFKD" if is_letter else "NFD", character)
    return parts if all(part in known for part in parts) else ""


def refuse_apart(text: str) -> None:
    """Make sure that cutting a text into jamo can be undone.

    One in composed form (Unicode NFC) always can.

    Raises:
        CorpusError: If jamo stand in it that would come back as a syllable.
    """
    for found in re.finditer(_APART, text):
        if _joined(found[0]) != found[0]:
            codes = " ".join(f"U+{ord(character):04X}" for character in found[0])
            raise CorpusError(
                "The text has Hangul that is not composed, and would come back composed. "
                "Received: {codes}. Compose it (leave out --keep-decomposed), or train on "
                "characters (--units characters).",
                codes=codes,
            )


def continues_syllable(character: str) -> bool:
    """Whether a character is a medial or a final, old ones too: part of what stands before it.

    What is not counts as a character for those who count syllables.
    """
    return "\u1160" <= character <= "\u11ff" or "\ud7b0" <= character <= "\ud7fb"


def typed_on(before: str, typed: str) -> tuple[int, str]:
    """Put together what comes letter by letter, as some terminals and systems send it.

    Returns:
        How many characters before the cursor it takes the place of, and the composed text.
    """
    last = before[-1:]
    if typed[:1] in MEDIALS:  # a field may show a lone initial as the letter that it looks like
        last = unicodedata.normalize("NFKD", last)
    composed = unicodedata.normalize("NFC", last + typed)
    if not last or composed.startswith(last):
        return 0, unicodedata.normalize("NFC", typed)
    return 1, composed


def is_jamo(character: str) -> bool:
    """Whether it is a conjoining letter, which never goes to a terminal as it is."""
    return re.match(_JAMO, character) is not None


def continued(before: str, character: str) -> str:
    """What a jamo makes of the syllable that it continues; another character is itself."""
    growing = re.search(_GROWING, before)
    joined = join_syllables(growing[0] + character) if growing else ""
    return joined if len(joined) == 1 else character


def shown_hangul(text: str) -> str:
    """A text without conjoining jamo, whose width differs between terminals.

    What makes a syllable becomes one; a letter alone becomes that of the compatibility block, which
    is as wide as a syllable. An old letter that has none becomes its code point in brackets.
    """
    if text.isascii() or re.search(_JAMO, text) is None:
        return text
    return re.sub(_JAMO, lambda found: _letter(found[0]), join_syllables(text))


def placed(character: str, parts: int) -> tuple[str, int]:
    """Give a jamo of a stream a place of two cells, alone or with those that it belongs to.

    A medial or final that has nothing to stand on gets a filler in the initial's place, which
    `drawn_hangul` undoes. An old letter becomes what `shown_hangul` makes of it.

    `parts` is of the syllable that the stream ends in, 0 to 2; at first 0.

    Returns:
        What it becomes, and the parts of the syllable that the stream ends in now.
    """
    if character in INITIALS:
        return character, 1
    if character in MEDIALS:
        return (character, 2) if parts == 1 else (FILLER + character, 0)
    if character in FINALS:
        return (character if parts == 2 else FILLER + character), 0
    if is_open_syllable(character):  # of a seed text, which its jamo may follow
        return character, 2
    return (shown_hangul(character) if is_jamo(character) else character), 0


def is_open_syllable(character: str) -> bool:
    """Whether it is a syllable that a final may still be added to."""
    code = ord(character) - _SYLLABLE
    return 0 <= code < len(INITIALS) * _MEDIALS * _FINALS and code % _FINALS == 0


def drawn_hangul(text: str) -> str:
    """What a terminal is given for a text that went through `placed`, as wide as that."""
    if text.isascii() or re.search(_JAMO, text) is None:
        return text
    return shown_hangul(re.sub(_ALONE, lambda found: _letter(found[1]), text))


def _joined(parts: str) -> str:
    first = ord(parts[0])
    if first >= _SYLLABLE:
        has_final = (first - _SYLLABLE) % _FINALS
        return parts if has_final else chr(first + ord(parts[1]) - _FINAL)
    final = ord(parts[2]) - _FINAL if len(parts) == 3 else 0
    number = ((first - _INITIAL) * _MEDIALS + ord(parts[1]) - _MEDIAL) * _FINALS + final
    return chr(_SYLLABLE + number)


def _letter(jamo: str) -> str:
    """The letter of the compatibility block that looks like a conjoining one."""
    name = unicodedata.name(jamo, "").partition("SEONG ")[2]
    try:
        return unicodedata.lookup(f"HANGUL LETTER {name}")
    except KeyError:
        return f"⟨{ord(jamo):04X}⟩"
