"""Text that does harm where it reaches a terminal as it is, and how to tell that it did."""

import os
import re
import unicodedata
from typing import Final

HOSTILE: Final = (
    "\x1b[31mred\x1b]52;c;aGVsbG8=\x07 \x9b2J \x90q\x9c \x00\x08\x7f "
    "\u202eevil\u202c \u2066x\u2069 \u200f \u061c \u2028 \ufeff \U000e0041 [bold]markup[/bold]"
)
"""Most kinds of harm in one line."""
STRINGS: Final = {
    "controls": "evil\x1b[31m\x1b]52;c;aA==\x07\x1bc\x9b2J\x9d0;title\x9c\x85\x08\x7f\x0b\x0e\x05",
    "nul": "evil\x00nul",
    "lines": "evil\nFORGED: all is well\r\rFORGED\tand more",
    "unseen": "evil\u202etxt.exe\u202c\u2066x\u2069\u200f\u061c\u2028\ufeff\u200b\xad\U000e0041",
    "halves of pairs": "evil\udcff\ud83d",
    "markup": "evil[bold]markup[/bold][@click=app.quit]x[/]\\[/nothing]",
    "marks": "evile\u0301\u0327" + "\u0301\u0323\u0489" * 40 + "가나漢字👩\u200d👩\u200d👧🇰🇷",
    "long": "evil" + "x\u200d" * 200 + "y" * 4_000,
}
"""Every kind of harm by its name; each string begins with `evil`."""
HARMFUL: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""What a row on its way to the terminal must not hold."""
OURS: Final = re.compile(
    r"\x1b\[[0-9;]*[mH]"  # colors, places
    r"|\x1b\[\?[0-9;]+[hl]|\x1b\[\?[0-9]+\$p"  # modes, and questions about them
    r"|\x1b\[<u"
    r"|\x1b\]22;[a-z-]*\x07"  # the shape of the mouse pointer
)
"""Everything that Textual itself writes."""
_LONGEST_NAME: Final = 200  # bytes
_HIGHEST_PILE: Final = 8
"""Marks that one base may bear."""


def harm_in(shown: str, *, is_text: bool = False) -> list[str]:
    """What is harmful in rows that go to a terminal; their line feeds are the program's own.

    Args:
        shown: The rows.
        is_text: Whether a text is shown, whose own line feeds and tabs are no harm; elsewhere a
            line that a foreign line feed began is known by its first word.
    """
    text = shown.replace("\t", " ") if is_text else shown
    found = [match[0] for row in text.split("\n") for match in HARMFUL.finditer(row)]
    if not is_text:
        found += [row for row in text.split("\n") if row.lstrip(" │").startswith("FORGED")]
    marks = 0
    for place, character in enumerate(text):
        marks = marks + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        if marks > _HIGHEST_PILE:
            found.append(f"a pile of marks: {text[max(0, place - 20) : place + 1]!a}")
            break
    return found


def as_argument(text: str) -> str:
    """A text as a command may be given it: without what no argument holds."""
    return "".join(char for char in text if char != "\0" and not "\ud800" <= char < "\udc80")


def as_file_name(text: str) -> str:
    """A text as a file may be called: without what no name holds, and not too long."""
    name = os.fsencode(as_argument(text).replace("/", ""))
    return os.fsdecode(name[:_LONGEST_NAME])


def foreign_controls(raw: bytes | bytearray) -> list[str]:
    """What a terminal was sent that is neither text nor what Textual itself writes."""
    rest = OURS.sub("", raw.decode("utf-8"))
    harmful = [match for match in HARMFUL.finditer(rest) if match[0] not in "\r\n"]
    return [rest[match.start() : match.start() + 30] for match in harmful]
