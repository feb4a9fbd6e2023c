"""Text that does harm where it reaches a terminal as it is."""

import re
from typing import Final

HOSTILE: Final = (
    "\x1b[31mred\x1b]52;c;aGVsbG8=\x07 \x9b2J \x90q\x9c \x00\x08\x7f "
    "\u202eevil\u202c \u2066x\u2069 \u200f \u061c \u2028 \ufeff \U000e0041 [bold]markup[/bold]"
)
HARMFUL: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)
"""What a row on its way to the terminal must not hold."""
