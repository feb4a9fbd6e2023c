"""The base of the app: themes of any origin, NO_COLOR, reduced motion and ASCII."""

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
from tui_charrnn.tui.textual_patches import is_of_removed, patch_textual
from tui_charrnn.tui.theme.themes import (
    DEFAULT_THEME,
    bundled_theme,
    fallback_variables,
    find_themes,
    remembered_theme,
    user_themes_folder,
)
from tui_charrnn.viewing.formatting import in_ascii

_LAST_RESORT: Final = "textual-dark"
"""Part of Textual, so it is always available."""

_SHADES_OF_GRAY: Final = frozenset({Monochrome, NoColor})
"""Textual's filters for terminals without colors."""


class ThemedApp(App[None]):
    """An app that defines the color variables in the style sheets of its widgets."""

    DEFAULT_CSS = """
    .framed {
        border: round $foreground 25%;
        border-title-color: $text-muted;
        border-subtitle-color: $text-muted;
        &:focus-within { border: round $primary; }
    }
    ThemedApp:nocolor, ThemedApp:ansi {
        *:focus { border-title-style: bold reverse; }
        .framed:focus-within { border-title-style: bold reverse; }
        Input > .input--placeholder, TextArea > .text-area--placeholder { text-style: italic; }
    }
    """

    def __init__(
        self,
        *,
        driver_class: type[Driver] | None = None,
        is_ascii: bool = False,
        reduces_motion: bool = False,
    ) -> None:
        """Set what the terminal or the user requires: ASCII, reduced motion, no colors."""
        patch_textual()
        super().__init__(driver_class=driver_class)
        self.is_ascii = is_ascii
        self.reduces_motion = reduces_motion
        self.no_color = bool(os.environ.get("NO_COLOR"))  # set but empty does not count
        if reduces_motion:
            self.animation_level = "none"
        self._read_for: Theme | None = None
        """The theme for which the style sheets were parsed."""
        self._without_colors = WithoutColors()
        self._in_ascii = InAscii()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the program's color variables for a theme that does not define them."""
        return fallback_variables(self.current_theme)

    def apply_theme(self, wanted: str = "") -> list[str]:
        """Apply the requested theme; called before the app runs.

        If it is bundled and the user has no themes, no other theme is read: the first frame does
        not wait for them.

        Args:
            wanted: The name of a theme. If it is empty: that in TEXTUAL_THEME, else the last saved
                one, else the default.

        Returns:
            One sentence about each theme that cannot be used, as safe text.
        """
        asked = wanted or os.environ.get("TEXTUAL_THEME", "")
        candidates = (asked, remembered_theme(), DEFAULT_THEME)
        problems: list[str] = []
        theme = bundled_theme(next(filter(None, candidates)))
        if theme is not None and not user_themes_folder().is_dir():
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
        # Textual reads TEXTUAL_THEME before that theme is registered, and then would not see a
        # change
        self.set_reactive(App.theme, _LAST_RESORT)
        known = self.available_themes
        self.theme = next((name for name in candidates if name in known), _LAST_RESORT)
        self.stylesheet.set_variables(self.get_css_variables())
        self._read_for = self.current_theme
        return [safe_line(problem) for problem in problems]

    def refresh_css(self, animate: bool = True) -> None:
        """Parse the style sheets for another theme; do nothing if the theme has not changed.

        Textual calls this at every start for the initial theme.
        """
        if self._read_for != self.current_theme:
            super().refresh_css(animate)
            self._read_for = self.current_theme

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return the filters of every row, without Textual's, which leave shades of gray."""
        filters = [one for one in super().get_line_filters() if type(one) not in _SHADES_OF_GRAY]
        filters += [self._without_colors] if self.no_color else []
        filters += [self._in_ascii] if self.is_ascii else []
        return filters

    async def on_event(self, event: events.Event) -> None:
        """Make pasted text safe for Textual's own fields, such as that of the palette.

        A key that arrives before the screen is mounted is posted again after that.
        """
        if isinstance(event, events.Key) and self.screen_stack and not self.screen.is_mounted:
            self.screen.call_after_refresh(self.post_message, event)
            return
        if isinstance(event, events.Paste) and _is_textuals_own(self.focused):
            event.text = safe_line(event.text)
        await super().on_event(event)

    def _handle_exception(self, error: Exception) -> None:
        """Close the app, unless the error is that of a widget that was removed."""
        if not is_of_removed(error):
            super()._handle_exception(error)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Stop the text cursor from blinking if motion is reduced."""
        if self.reduces_motion and hasattr(event.widget, "cursor_blink"):
            event.widget.cursor_blink = False


def _is_textuals_own(widget: Widget | None) -> bool:
    return type(widget).__module__.startswith("textual.")


_SIDES: Final = frozenset("│║┃▌▐▏▕█▊▎")
_CORNERS: Final = frozenset("╭╰┌└├╔╚┏┗─━═▔▁▊▎▄▀")


class WithoutColors(LineFilter):
    """Removes colors but keeps bold, underline and strike; highlights become reverse.

    A highlight (the cursor of a list, a selection, a scroll bar) is a background that differs from
    that of the screen; without colors it would be invisible.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Remove the colors."""
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
    """Draws the frame around a text in ASCII and does not change the text."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """Translate the signs of the frame."""
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
    """A mixin for widgets whose text must not change: in ASCII, only their frame is translated.

    It is no `Widget`: Textual reads the style sheet of the first base that is one.
    """

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return the filters of every row, with ASCII for the frame alone."""
        filters = super().get_line_filters()  # type: ignore[misc]  # of the widget
        return [_FRAME if isinstance(one, InAscii) else one for one in filters]


def luminance(color: Color) -> float:
    """Return the relative luminance, from 0 for black to 1 for white.

    Source:
        Web Content Accessibility Guidelines 2.2.
    """
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in color.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio, from 1 (equal) to 21 (black on white); source: `luminance`."""
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


_FRAME: Final = FrameInAscii()


def _in_ascii(segment: Segment) -> Segment:
    text, style, control = segment
    return segment if text.isascii() else Segment(in_ascii(text), style, control)


@lru_cache(1024)
def _colorless(style: Style, background: Color) -> Style:
    """Return the style in the terminal's two default colors."""
    is_reversed = style.reverse or _is_highlight(style, background)
    return style.without_color + Style(reverse=is_reversed, meta=style.meta or None)


def _is_highlight(style: Style, background: Color) -> bool:
    """Whether the background of a style differs enough from that of the screen."""
    color = style.bgcolor
    if color is None or color.is_default:
        return False
    if color.triplet is None:
        return True  # a color of the terminal: these are used for highlights only
    if background.ansi is not None:
        return False
    return contrast(Color.from_rich_color(color), background) >= 1.5
