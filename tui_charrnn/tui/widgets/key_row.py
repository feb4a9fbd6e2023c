"""The row at the bottom: the keys that can be pressed now."""

from collections.abc import Collection
from typing import Final

from textual.content import Content
from textual.widgets import Static

from tui_charrnn.tui.bindings import KEYS, Key

ORDER: Final = (
    "text.stop",
    "text.more",
    "run.train",
    "text.source",
    "text.pace",
    "text.cooler",
    "text.warmer",
    "run.checkpoint",
    "run.stop",
    "app.help",
    "app.quit",
    "app.palette",
)
"""The most useful first: what does not fit is cut off at the right."""
_ROOMY: Final = 100  # columns


class KeyRow(Static):
    """Shows keys in the order of their use; a click presses them.

    Textual's footer orders them by the widget that they are bound to, and that is where the focus
    happens to be.
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._hidden: frozenset[str] | None = None
        self._shown: list[Key] = []

    def show(self, hidden: Collection[str]) -> None:
        """Show all keys but those of the given ids."""
        if self._hidden != frozenset(hidden):
            self._hidden = frozenset(hidden)
            by_id = {key.id: key for key in KEYS}
            self._shown = [by_id[name] for name in ORDER if name not in hidden]
            self._draw_keys()

    def on_resize(self) -> None:
        """Show as many keys as fit, and set them wider apart where there is room."""
        self._draw_keys()

    def _draw_keys(self) -> None:
        width = self.size.width
        gap = "  " if width >= _ROOMY else " "
        row = Content()
        for key in self._shown:
            longer = row.append(_key_content(key)).append(gap if key.label else " ")
            if longer.cell_length > width + len(gap):
                break
            row = longer
        self.update(row)


def _key_content(key: Key) -> Content:
    markup = f"[@click=app.simulate_key({key.keys!r})][bold]$shown[/]"
    markup += " $label[/]" if key.label else "[/]"
    return Content.from_markup(markup, shown=key.display, label=key.label)
