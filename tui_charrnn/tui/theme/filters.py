"""What becomes of a drawn row on its way to the terminal: without colors, or in ASCII."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from tui_charrnn.viewing.ascii_signs import in_ascii

_LEAST_CONTRAST: Final = 1.5
"""From which brightness on, to that of the ground, a background marks something."""
_SIDES: Final = frozenset("│║┃▌▐▏▕█▊▎")
_CORNERS: Final = frozenset("╭╰┌└├╔╚┏┗─━═▔▁▊▎▄▀")


class WithoutColors(LineFilter):
    """Leaves what is bold, underlined or struck out; a marked place is shown in reverse.

    What marks a place (the cursor of a list, a selection, a scroll bar) is a background that
    differs from the ground; without it, nobody could tell where that is.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Take the colors away.

        Args:
            segments: The pieces of a row.
            background: Of the widget.
        """
        return [
            Segment(text, None if style is None else _colorless(style, background), control)
            for text, style, control in segments
        ]


class InAscii(LineFilter):
    """Draws every sign in ASCII; letters of any script stay."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """Translate the signs.

        Args:
            segments: The pieces of a row.
            background: Of the widget.
        """
        return [_in_ascii(segment) for segment in segments]


class FrameInAscii(LineFilter):
    """Draws the frame around a text in ASCII and leaves the text, which is not the program's."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """Translate what is a frame.

        Args:
            segments: The pieces of a row.
            background: Of the widget.
        """
        if not segments:
            return segments
        if segments[0].text[:1] in _CORNERS:
            return [_in_ascii(segment) for segment in segments]
        ends = {0, len(segments) - 1}
        return [
            _in_ascii(segment) if index in ends and segment.text in _SIDES else segment
            for index, segment in enumerate(segments)
        ]


class KeepsText:
    """For a widget whose text is not the program's: it stays as it is, in a frame of ASCII, too.

    No `Widget` itself: Textual looks for style sheets in the first base that is one.
    """

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every row is put through."""
        filters = super().get_line_filters()  # type: ignore[misc]  # of the widget
        return [_FRAME if isinstance(one, InAscii) else one for one in filters]


def luminance(color: Color) -> float:
    """Relative luminance, from 0 for black to 1 for white.

    Source:
        Web Content Accessibility Guidelines 2.2.
    """
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in color.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color, other: Color) -> float:
    """From 1 for equal brightness to 21 for black on white; source as in `luminance`."""
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


_FRAME: Final = FrameInAscii()


def _in_ascii(segment: Segment) -> Segment:
    text, style, control = segment
    return segment if text.isascii() else Segment(in_ascii(text), style, control)


@lru_cache(1024)
def _colorless(style: Style, background: Color) -> Style:
    """The same style in the terminal's own two colors."""
    return Style(
        bold=style.bold,
        dim=style.dim,
        italic=style.italic,
        underline=style.underline,
        strike=style.strike,
        reverse=style.reverse or _marks(style, background),
        meta=style.meta or None,
    )


def _marks(style: Style, background: Color) -> bool:
    """Whether the background of a style differs from the ground enough to be a mark."""
    ground = style.bgcolor
    if ground is None or ground.is_default:
        return False
    if ground.triplet is None:
        return True  # one of the terminal's colors: they are used for marks alone
    if background.ansi is not None:
        return False
    return contrast(Color.from_rich_color(ground), background) >= _LEAST_CONTRAST
