"""What a text can be colored by: every coloring puts each character on one of five levels.

A coloring is an entry in `xray_colorings.colorings`; what it knows of one speech is its `Levels`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.content import Content

    from tui_charrnn.tui.xray.reader import Passage, XrayReading

ScaleName = Literal["rising", "diverging"]
"""How levels follow one another: away from one end, or to both sides of a middle."""

LOOKS: Final[dict[ScaleName, tuple[tuple[str, str], ...]]] = {
    "rising": (
        ("$note-text", "none"),
        ("$generated-text", "underline"),
        ("$success", "bold"),
        ("$warning", "bold underline"),
        ("$error", "bold reverse"),
    ),
    "diverging": (
        ("$xray-negative", "underline reverse"),
        ("$xray-negative", "underline"),
        ("$note-text", "none"),
        ("$xray-positive", "bold"),
        ("$xray-positive", "bold reverse"),
    ),
}
"""Color and style of each level: without colors, the style alone tells them apart."""
_CLASSES: Final[dict[ScaleName, str]] = {"rising": "xray", "diverging": "xray-two"}


def look_class(scale: ScaleName, level: int) -> str:
    """The component class of a level's look."""
    return f"{_CLASSES[scale]}--{level}"


class Levels(Protocol):
    """What a coloring knows of the characters of one speech."""

    moves: bool
    """Whether a level that is known may become another one when the legend changes."""

    def legend(self) -> tuple[str, Sequence[str]]:
        """What is colored by, in some words, and what each level means, from level 0 on.

        A level without words is left out of the legend.
        """

    def level(self, branch: int, position: int) -> int | None:
        """The level of a character, from 0 to 4; None as long as it is not known."""

    def want(self, passages: Sequence[Passage]) -> None:
        """Have passages read, the first of them first; what was wanted before is forgotten."""

    def line(self, branch: int, position: int) -> str:
        """What there is to say of a character in some words, safe to show; empty for nothing."""

    def rows(self, branch: int, position: int, width: int, height: int) -> list[Content]:
        """What there is to show of a character in the panel: `height` rows at most."""

    def close(self) -> None:
        """Read no more."""


class Coloring(Protocol):
    """One thing that a text can be colored by."""

    @property
    def name(self) -> str:
        """Which it is, in a word; no other coloring has it."""

    @property
    def scale(self) -> ScaleName:
        """How its levels look."""

    def begin(self, reading: XrayReading) -> Levels | None:
        """Begin with a speech whose tape is there; None if the model has nothing of the kind.

        Args:
            reading: Has the speech; `reading.announce` tells the screen what became known.
        """
