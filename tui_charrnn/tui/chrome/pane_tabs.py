"""The row that names the panes and shows which one is open."""

from typing import Final

from textual.content import Content
from textual.widgets import Static

from tui_charrnn.tui.keys.keymap import active_keys

PANES: Final = ("text", "training", "runs", "childhood", "log")
_LABELS: Final = {
    "text": "Text",
    "training": "Loss",
    "runs": "Runs",
    "childhood": "Childhood",
    "log": "Log",
}


class PaneTabs(Static):
    """Shows the panes; a click opens one. The open one stands in brackets, in any color."""

    DEFAULT_CSS = """
    PaneTabs {
        height: 1;
        padding: 0 1;
        color: $text-muted;
        text-wrap: nowrap;
        link-style: none;
        link-color: $text-muted;
        link-background-hover: $panel;
        link-style-hover: none;
    }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)

    def show(self, pane: str) -> None:
        """Mark the open pane."""
        keys = {key.id: key.display for key in active_keys()}
        row = Content()
        for name in PANES:
            is_open = name == pane
            markup = f"[@click=screen.show({name!r})]" + ("[bold $primary]" if is_open else "")
            markup += "$text" + ("[/]" if is_open else "") + "[/]"
            label = f"{keys[f'pane.{name}']} {_LABELS[name]}"
            text = f"[{label}]" if is_open else f" {label} "
            row = row.append(Content.from_markup(markup, text=text)).append(" ")
        self.update(row, layout=False)  # it keeps its row, and the width of the screen
