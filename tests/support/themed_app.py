"""The smallest app that a widget of this program can live in."""

from rich.segment import Segment
from textual.app import App
from textual.geometry import Region
from textual.widget import Widget

from tui_charrnn.tui.themes import fallback_variables


class ThemedApp(App[None]):
    """An app that knows the colors which the style sheets of the widgets name."""

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The colors of the program, in terms of Textual's."""
        return fallback_variables(self.current_theme)


def drawn_segments(widget: Widget) -> list[list[Segment]]:
    """The rows that a widget draws, as the terminal gets them, border and all."""
    strips = widget.render_lines(Region(0, 0, *widget.outer_size))
    return [list(strip) for strip in strips]


def drawn_rows(widget: Widget) -> list[str]:
    """The text of the rows that a widget draws, without the space at their ends."""
    return ["".join(part.text for part in row).rstrip() for row in drawn_segments(widget)]


def styled(widget: Widget, text: str) -> Segment:
    """The one piece of a widget's drawing that has exactly this text."""
    (found,) = (part for row in drawn_segments(widget) for part in row if part.text == text)
    return found
