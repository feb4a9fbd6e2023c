"""An app that takes any theme: the program's, those of Textual, and whatever comes later.

Also where colors, motion and signs are held back: NO_COLOR, reduced motion, ASCII.
"""

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import App
from textual.color import Color
from textual.driver import Driver
from textual.filter import LineFilter, Monochrome, NoColor
from textual.theme import Theme
from textual.widget import Widget

from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.textual_patches import is_of_removed, mend_textual
from tui_charrnn.tui.theme.themes import (
    DEFAULT_THEME,
    bundled_theme,
    fallback_variables,
    find_themes,
    remembered_theme,
)
from tui_charrnn.viewing.ascii_signs import in_ascii

_LAST_RESORT: Final = "textual-dark"
"""Comes with Textual, so it is always there."""

_SHADES_OF_GRAY: Final = frozenset({Monochrome, NoColor})
"""What Textual does without colors."""


class ThemedApp(App[None]):
    """An app that knows the colors which the style sheets of the widgets name."""

    DEFAULT_CSS = """
    ThemedApp:nocolor, ThemedApp:ansi {
        *:focus { border-title-style: bold reverse; }
        LogPane:focus-within, SamplesPane:focus-within, RunList:focus-within {
            border-title-style: bold reverse;
        }
        Input > .input--placeholder, TextArea > .text-area--placeholder { text-style: italic; }
    }
    ThemedApp:ansi DataTable > .datatable--header {
        color: ansi_default;
        background: ansi_default;
    }
    """

    def __init__(
        self,
        *,
        driver_class: type[Driver] | None = None,
        is_ascii: bool = False,
        reduces_motion: bool = False,
    ) -> None:
        """Hold back what the terminal or its reader needs: signs beyond ASCII, motion, colors."""
        mend_textual()
        super().__init__(driver_class=driver_class)
        self.is_ascii = is_ascii
        self.reduces_motion = reduces_motion
        self.no_color = bool(os.environ.get("NO_COLOR"))  # set but empty does not count
        if reduces_motion:
            self.animation_level = "none"
        self._read_for: Theme | None = None
        """The theme that the style sheets were read for."""
        self._without_colors = WithoutColors()
        self._in_ascii = InAscii()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The colors of the program for a theme that has none of them."""
        return fallback_variables(self.current_theme)

    def apply_theme(self, wanted: str = "") -> list[str]:
        """Apply the theme that is wanted from the first frame on; called before the app runs.

        If the program has it and the user has none of their own, no other is read: the first frame
        does not wait for them.

        Args:
            wanted: The name of a theme. If it is empty, TEXTUAL_THEME names one, then the one that
                was kept last, then it is the default.

        Returns:
            One sentence about each theme that cannot be used, safe to show.
        """
        asked = wanted or os.environ.get("TEXTUAL_THEME", "")
        wishes = (asked, remembered_theme(), DEFAULT_THEME)
        problems: list[str] = []
        theme = bundled_theme(next(filter(None, wishes)))
        if theme is not None:
            self.register_theme(theme)
        else:
            theme_set = find_themes()
            for each in theme_set.themes:
                self.register_theme(each)
            problems.extend(theme_set.problems)
            if asked and asked not in self.available_themes:
                names = ", ".join(theme.name for theme in theme_set.themes)
                no_theme = tr("There is no theme {asked!r}. The themes are: {names}.")
                problems.append(no_theme.format(asked=asked, names=names))
        # Textual takes the name from TEXTUAL_THEME before there is such a theme, and then would
        # not take it for a change
        self.set_reactive(App.theme, _LAST_RESORT)
        known = self.available_themes
        self.theme = next((name for name in wishes if name in known), _LAST_RESORT)
        self.stylesheet.set_variables(self.get_css_variables())
        self._read_for = self.current_theme
        return [safe_line(problem) for problem in problems]

    def refresh_css(self, animate: bool = True) -> None:
        """Read the style sheets for another theme; for that which they were read for, do nothing.

        Textual asks for it at every start, for the theme that is on from the beginning.
        """
        if self._read_for != self.current_theme:
            super().refresh_css(animate)
            self._read_for = self.current_theme

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every row is put through; Textual's own way without colors leaves shades of gray."""
        filters = [one for one in super().get_line_filters() if type(one) not in _SHADES_OF_GRAY]
        filters += [self._without_colors] if self.no_color else []
        filters += [self._in_ascii] if self.is_ascii else []
        return filters

    async def on_event(self, event: events.Event) -> None:
        """Let nothing be pasted into Textual's own fields, as that of the palette, as it is.

        A key that was faster than the screen waits for it: what it acts on is not there yet.
        """
        if isinstance(event, events.Key) and self.screen_stack and not self.screen.is_mounted:
            self.screen.call_after_refresh(self.post_message, event)
            return
        if isinstance(event, events.Paste) and _is_textuals_own(self.focused):
            event.text = safe_line(event.text)
        await super().on_event(event)

    def _handle_exception(self, error: Exception) -> None:
        """End the app, unless the error is of what was closed while it was being opened."""
        if not is_of_removed(error):
            super()._handle_exception(error)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Keep the text cursor from blinking where motion is unwanted."""
        if self.reduces_motion and hasattr(event.widget, "cursor_blink"):
            event.widget.cursor_blink = False


def _is_textuals_own(widget: Widget | None) -> bool:
    return type(widget).__module__.startswith("textual.")


_SIDES: Final = frozenset("│║┃▌▐▏▕█▊▎")
_CORNERS: Final = frozenset("╭╰┌└├╔╚┏┗─━═▔▁▊▎▄▀")


class WithoutColors(LineFilter):
    """Leaves what is bold, underlined or struck out; a marked place is shown in reverse.

    What marks a place (the cursor of a list, a selection, a scroll bar) is a background that
    differs from the ground; without it, nobody could tell where that is.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Take the colors away."""
        return [
            Segment(text, None if style is None else _colorless(style, background), control)
            for text, style, control in segments
        ]


class InAscii(LineFilter):
    """Draws every sign in ASCII; letters of any script stay."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """Translate the signs."""
        return [_in_ascii(segment) for segment in segments]


class FrameInAscii(LineFilter):
    """Draws the frame around a text in ASCII and leaves the text, which is not the program's."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """Translate what is a frame."""
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
    return contrast(Color.from_rich_color(ground), background) >= 1.5
