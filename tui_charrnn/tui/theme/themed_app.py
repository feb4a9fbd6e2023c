"""An app that any theme can dress: the program's, those of Textual, and whatever comes later.

Also where colors, motion and signs are held back: NO_COLOR, reduced motion, ASCII.
"""

import os
from collections.abc import Sequence
from typing import Final

from textual import events
from textual.app import App
from textual.driver import Driver
from textual.filter import LineFilter, Monochrome, NoColor
from textual.theme import Theme
from textual.widget import Widget

from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui.textual_patches import is_of_removed, mend_textual
from tui_charrnn.tui.theme.filters import InAscii, WithoutColors
from tui_charrnn.tui.theme.theme_files import fallback_variables

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
        """Say what the terminal or its reader needs.

        Args:
            driver_class: Reads from and writes to the terminal; None is Textual's own.
            is_ascii: Whether every sign is drawn in ASCII.
            reduces_motion: Whether nothing moves or blinks by itself.
        """
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

    def come_in(self, theme: str) -> None:
        """Wear a theme from the first frame on; called before the app runs.

        Args:
            theme: Its name; it is registered.
        """
        self.theme = theme
        self.stylesheet.set_variables(self.get_css_variables())
        self._read_for = self.current_theme

    def refresh_css(self, animate: bool = True) -> None:
        """Read the style sheets for another theme; for that which they were read for, do nothing.

        Textual asks for it at every start, for the theme that is worn from the beginning.
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
