"""The row at the bottom: the keys that can be pressed now."""

from collections.abc import Collection
from typing import Final

from textual.content import Content
from textual.widgets import Static

from tui_charrnn.tui.bindings import KEYS, Key

_ORDER: Final = (
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
        self._shown: list[Content] = []

    def show(self, hidden: Collection[str]) -> None:
        """Show all keys but those of the given ids."""
        if self._hidden != frozenset(hidden):
            self._hidden = frozenset(hidden)
            by_id = {key.id: key for key in KEYS}
            self._shown = [_key_content(by_id[name]) for name in _ORDER if name not in hidden]
            self._draw_keys()

    def on_resize(self) -> None:
        """Set the keys wider apart where there is room."""
        self._draw_keys()

    def _draw_keys(self) -> None:
        gap = "  " if self.size.width >= _ROOMY else " "
        self.update(Content.assemble(*(part for key in self._shown for part in (key, gap))))


def _key_content(key: Key) -> Content:
    markup = f"[@click=app.simulate_key({key.keys!r})][bold $accent]$shown[/]"
    markup += " [$text-muted]$label[/][/]" if key.label else "[/]"
    return Content.from_markup(markup, shown=key.display, label=key.label)
