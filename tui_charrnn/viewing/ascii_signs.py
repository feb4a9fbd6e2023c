"""Replaces the app's symbols by ASCII, for terminals and fonts that lack them.

Each replacement is as wide as its symbol, so the layout does not change. Letters of any script are
not symbols: names and texts stay unchanged.
"""

from typing import Final

_FRAMES: Final = {
    "-": "─┄┅┈┉╌╍╴╶╼╾╸╺",
    "=": "━═",
    "|": "│┃┆┇┊┋╎╏║╵╷╹╻╽╿",
}
_SIGNS: Final = {
    # bars and curves: eight heights, then blocks filled from the left or the right
    **dict(zip("▁▂▃▄▅▆▇█", "_.:-=+*#", strict=True)),
    **dict.fromkeys("▏▎▍▌▋▊▉▐▕", "|"),
    **dict.fromkeys("▖▗▘▙▚▛▜▝▞▟▓", "#"),
    "▀": '"',
    "▔": "-",
    "░": ":",
    "▒": "%",
    # states and marks
    "●": "*",
    "○": "o",
    "•": "o",
    "■": "=",
    "□": "o",
    "▢": "o",
    "◆": "x",
    "◇": "o",
    "✗": "x",
    "✘": "x",
    "✓": "v",
    "✔": "v",
    "★": "*",
    "⚠": "!",
    "ⓘ": "i",
    "⏸": "=",
    # arrows
    **dict.fromkeys("▲△▴↑⇧", "^"),
    **dict.fromkeys("▼▽▾↓", "v"),
    **dict.fromkeys("▶▷▸→»", ">"),
    **dict.fromkeys("◀◁◂←«", "<"),
    "\N{BOX DRAWINGS LIGHT DIAGONAL UPPER RIGHT TO LOWER LEFT}": "/",
    "\N{BOX DRAWINGS LIGHT DIAGONAL UPPER LEFT TO LOWER RIGHT}": "\\",
    "\N{BOX DRAWINGS LIGHT DIAGONAL CROSS}": "x",
    # punctuation
    "·": "-",
    "…": "~",
    "×": "x",
    "˙": "'",
    "±": "~",
    "≈": "~",
    "≤": "<",
    "≥": ">",
    "°": " ",
    "\N{MINUS SIGN}": "-",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "\N{NO-BREAK SPACE}": " ",
    "\N{MATHEMATICAL LEFT ANGLE BRACKET}": "<",
    "\N{MATHEMATICAL RIGHT ANGLE BRACKET}": ">",
    "\N{DOTTED CIRCLE}": "o",
    "\N{REPLACEMENT CHARACTER}": "?",
    "\N{LEFT-POINTING MAGNIFYING GLASS}": "? ",
    "\N{RIGHT-POINTING MAGNIFYING GLASS}": "? ",
}

ASCII: Final[dict[int, str]] = {
    **dict.fromkeys(range(0x2500, 0x2580), "+"),  # corners and crossings
    **{ord(sign): plain for plain, signs in _FRAMES.items() for sign in signs},
    **dict.fromkeys(range(0x2400, 0x2427), "?"),  # pictures of control characters
    **dict.fromkeys(range(0x2801, 0x2900), ":"),  # braille
    0x2800: " ",
    **{ord(sign): plain for sign, plain in _SIGNS.items()},
}
"""For `str.translate`: the replacement of each symbol's code point."""


def in_ascii(text: str) -> str:
    """Replace the symbols of a text by ASCII of the same width."""
    if text.isascii():
        return text
    return text.replace(" …", "..").translate(ASCII)
