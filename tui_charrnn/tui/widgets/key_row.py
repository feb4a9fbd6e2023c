"""The row at the bottom: the keys that can be pressed now."""

from collections.abc import Collection
from typing import Final

from textual.content import Content
from textual.widgets import Static

from tui_charrnn.tui.key import Key, Owner
from tui_charrnn.tui.keymap import keys_in_force

_ORDER: Final = (
    "text.stop",
    "text.more",
    "run.train",
    "run.pause",
    "run.checkpoint",
    "text.cooler",
    "text.warmer",
    "run.stop",
    "app.help",
    "app.quit",
    "app.palette",
)
"""The most useful first: what does not fit is cut off at the right."""
_ALWAYS: Final = ("app.help", "app.quit")
_ROOMY: Final = 100  # columns


class KeyRow(Static):
    """Shows keys in the order of their use; a click presses them.

    Textual's footer orders them by the widget that they are bound to, and that is where the focus
    happens to be.
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._wanted: tuple[frozenset[str], Owner | None] | None = None
        self._shown: list[Key] = []

    def show(self, hidden: Collection[str], pane: Owner | None = None) -> None:
        """Show the keys that do something now.

        Args:
            hidden: Ids of keys that do nothing now.
            pane: A pane whose own keys come first, as long as it has the focus.
        """
        wanted = frozenset(hidden), pane
        if self._wanted != wanted:
            self._wanted = wanted
            self._shown = [key for key in keys_of_row(pane) if key.id not in hidden]
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
        self.update(row, layout=False)  # it keeps its row, and the width of the screen


def keys_of_row(pane: Owner | None) -> list[Key]:
    """The keys of the row in their order; those of a pane leave room for few others."""
    by_id = {key.id: key for key in keys_in_force()}
    if pane is None:
        return [by_id[name] for name in _ORDER]
    own = [key for key in by_id.values() if key.owner == pane and key.in_row]
    is_text = pane == "speech"  # it can be stopped and gone on with while it has the focus
    rest = [
        name for name in _ORDER if name not in _ALWAYS and (is_text or not name.startswith("text."))
    ]
    return [*own, *(by_id[name] for name in (*_ALWAYS, *rest))]


def _key_content(key: Key) -> Content:
    pressed = key.keys.split(",")[0]
    markup = f"[@click=app.simulate_key({pressed!r})][bold]$shown[/]"
    markup += " $label[/]" if key.label else "[/]"
    return Content.from_markup(markup, shown=key.display, label=key.label)
