"""What is known of one character, in one line and in rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui_charrnn.tui.renderables.alternative_rows import percent

if TYPE_CHECKING:
    from tui_charrnn.viewing.xray import Expectation


def place_words(name: str, expected: Expectation, running: float, count: int) -> str:
    """A character's numbers in one line.

    Args:
        name: The character, safe to show.
        expected: What was expected of it.
        running: Mean surprise of the last characters, bits.
        count: How many those are.
    """
    return (
        f"{name}: {percent(expected.probability)}, {expected.surprise:.2f} bits"
        f" · entropy {expected.entropy:.2f} · last {count}: {running:.2f} bits/char"
    )


def place_rows(expected: Expectation, running: float, count: int) -> list[tuple[str, str]]:
    """A character's numbers as names and values.

    Args:
        expected: What was expected of it.
        running: Mean surprise of the last characters, bits.
        count: How many those are.
    """
    return [
        ("probability", percent(expected.probability)),
        ("surprise", f"{expected.surprise:.2f} bits"),
        ("entropy", f"{expected.entropy:.2f} bits"),
        (f"last {count}", f"{running:.2f} bits/char"),
    ]
