"""An app that any theme can dress: the program's, those of Textual, and whatever comes later."""

from textual.app import App

from tui_charrnn.tui.themes import fallback_variables


class ThemedApp(App[None]):
    """An app that knows the colors which the style sheets of the widgets name."""

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The colors of the program for a theme that has none of them."""
        return fallback_variables(self.current_theme)
