"""How the levels of a coloring look."""

from typing import Final, Literal

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


LEVEL_CLASSES: Final = frozenset(
    look_class(scale, level) for scale, looks in LOOKS.items() for level in range(len(looks))
)
"""The component classes of all levels."""
LEVEL_STYLES: Final = "\n".join(
    f"StreamedText > .{look_class(scale, level)} {{ color: {color}; text-style: {style}; }}"
    for scale, looks in LOOKS.items()
    for level, (color, style) in enumerate(looks)
)
"""Their style sheet."""
