"""The theme picker, which applies each theme as soon as the cursor is on it."""

from functools import partial
from typing import ClassVar

from rich.cells import set_cell_size
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.getters import query_one
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.dialogs import Dialog
from tui_charrnn.tui.theme.themes import DEFAULT_THEME, ThemeSet, find_themes, remember_theme


class ThemeScreen(Dialog[None]):
    """Lists the themes; Enter saves the chosen one, Esc restores the previous one.

    The style sheet of the app docks it at the side, so that most of the app stays visible.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "go_back", "Back", show=False),
    ]
    DEFAULT_CSS = """
    ThemeScreen {
        & #themes { width: 38; height: auto; }
    }
    """

    themes = query_one(OptionList)

    def __init__(self) -> None:
        super().__init__()
        self._before = ""

    def compose(self) -> ComposeResult:
        """An empty list."""
        themes = OptionList(id="themes", classes="box", markup=False)
        themes.border_title = Content(tr("Themes"))
        themes.border_subtitle = Content(tr("Enter keeps · Esc goes back"))
        yield themes

    def on_mount(self) -> None:
        """Read the themes in a thread: the user's may be on a slow disk."""
        self._before = self.app.theme
        self.themes.focus()

        def read(_: BackgroundTask) -> None:
            self.call_later(self._list, find_themes())

        BackgroundTask("themes", read)

    def _list(self, theme_set: ThemeSet) -> None:
        """List the bundled themes, the user's, then Textual's; highlight the current one."""
        for theme in theme_set.themes:
            self.app.register_theme(theme)
        self.themes.add_options(self._options(theme_set))
        names = [option.id for option in self.themes.options]
        if self._before in names:
            self.themes.highlighted = names.index(self._before)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Apply the theme that the cursor is on."""
        event.stop()
        if event.option.id:
            self.app.theme = event.option.id

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Save the theme and close."""
        event.stop()
        if event.option.id:
            _save_theme(self.app, event.option.id)
            self.dismiss()

    def action_go_back(self) -> None:
        """Restore the previous theme and close."""
        self.app.theme = self._before
        self.dismiss()

    def _options(self, theme_set: ThemeSet) -> list[Option]:
        groups = {
            "": sorted(
                (theme.name for theme in theme_set.bundled), key=lambda name: name != DEFAULT_THEME
            ),
            tr("yours"): [theme.name for theme in theme_set.own],
        }
        listed = {name for names in groups.values() for name in names}
        groups[tr("Textual's")] = sorted(set(self.app.available_themes) - listed)
        return [
            _option(name, tr("the default") if name == DEFAULT_THEME else whose)
            for whose, names in groups.items()
            for name in names
        ]


def _save_theme(app: App[object], theme: str) -> None:
    """Save the name of a theme in a thread; warn if that fails."""

    def save(_: BackgroundTask) -> None:
        if problem := remember_theme(theme):
            app.call_later(partial(app.notify, problem, severity="warning", markup=False))

    BackgroundTask("theme-file", save)


def _option(name: str, remark: str) -> Option:
    return Option(Content.assemble(set_cell_size(safe_line(name), 22), (remark, "italic")), id=name)
