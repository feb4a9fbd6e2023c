"""The row at the bottom: the keys that can be pressed now."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from textual.content import Content
from textual.widgets import Static

from tui_charrnn.tui.keys.key import Key, Owner
from tui_charrnn.tui.keys.keymap import active_keys

if TYPE_CHECKING:
    from tui_charrnn.tui.session import Session

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
    "text.pace",
    "text.source",
)
"""The most useful first: what does not fit is left out, from the right."""
_ALWAYS: Final = ("app.help", "app.quit")
_HELP: Final = "app.help"
"""It tells of the keys that do not fit, so it has a place in every row."""
_AS_THEY_ARE: Final[Mapping[str, str]] = MappingProxyType({})
_ROOMY: Final = 100  # columns


class KeyRow(Static):
    """Shows keys in the order of their use; a click presses them.

    Textual's footer orders them by the widget that they are bound to, and that is where the focus
    happens to be.
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._wanted: object = None
        self._shown: list[Key] = []
        self._labels = _AS_THEY_ARE

    def show(
        self,
        hidden: Collection[str],
        pane: Owner | None = None,
        labels: Mapping[str, str] = _AS_THEY_ARE,
    ) -> None:
        """Show the keys that do something now.

        Args:
            hidden: Ids of keys that do nothing now.
            pane: A pane whose own keys come first, as long as it has the focus.
            labels: What a key does now, by its id, where that is not what it does else.
        """
        wanted = frozenset(hidden), pane, dict(labels)
        if self._wanted != wanted:
            self._wanted, self._labels = wanted, labels
            self._shown = [key for key in keys_of_row(pane) if key.id not in hidden]
            self._draw_keys()

    def on_resize(self) -> None:
        """Show as many keys as fit, and set them wider apart where there is room."""
        self._draw_keys()

    def _draw_keys(self) -> None:
        width = self.size.width
        gap = "  " if width >= _ROOMY else " "
        parts = [self._part(keys, gap) for keys in _sharing(self._shown)]
        left = width + len(gap)  # the last one needs no gap
        left -= sum(part.cell_length for part, is_help in parts if is_help)
        row, is_full = Content(), False
        for part, is_help in parts:
            if not is_help:
                is_full = is_full or part.cell_length > left
                if is_full:
                    continue
                left -= part.cell_length
            row = row.append(part)
        self.update(row, layout=False)  # it keeps its row, and the width of the screen

    def _part(self, keys: list[Key], gap: str) -> tuple[Content, bool]:
        """Keys that have one label for all, and whether they tell of all others."""
        contents = [_key_content(key, self._labels.get(key.id, key.label)) for key in keys]
        return Content(" ").join(contents).append(gap), keys[-1].id == _HELP


def _sharing(keys: list[Key]) -> Iterator[list[Key]]:
    """Keys in groups, each of which ends with the one that has the label."""
    group: list[Key] = []
    for key in keys:
        group.append(key)
        if key.label:
            yield group
            group = []


def keys_of_row(pane: Owner | None) -> list[Key]:
    """The keys of the row in their order; those of a pane leave room for few others."""
    by_id = {key.id: key for key in active_keys()}
    if pane is None:
        return [by_id[name] for name in _ORDER]
    own = [key for key in by_id.values() if key.owner == pane and key.in_row]
    is_text = pane == "speech"  # it can be stopped and gone on with while it has the focus
    rest = [
        name for name in _ORDER if name not in _ALWAYS and (is_text or not name.startswith("text."))
    ]
    return [*own, *(by_id[name] for name in (*_ALWAYS, *rest))]


def _key_content(key: Key, label: str) -> Content:
    pressed = key.keys.split(",")[0]
    markup = f"[@click=app.simulate_key({pressed!r})][bold]$shown[/]"
    markup += " $label[/]" if label else "[/]"
    return Content.from_markup(markup, shown=key.display, label=label)


def idle_keys(session: Session, *, is_streaming: bool, is_searching: bool) -> set[str]:
    """The ids of keys that do nothing now.

    Args:
        session: Has the run that is shown.
        is_streaming: Whether a text is being said.
        is_searching: Whether something is looked for in it.
    """
    idle = {"text.more" if is_streaming else "text.stop"}
    if not is_searching:
        idle |= {"speech.next", "speech.previous"}
    if not session.has_live_run or session.is_readonly:
        idle |= {"run.checkpoint", "run.stop", "run.pause"}
    return idle


def labels_now(session: Session) -> dict[str, str]:
    """What keys do now, by their ids, where that is not what the table says."""
    return {"run.pause": "Resume"} if session.is_paused else {}
