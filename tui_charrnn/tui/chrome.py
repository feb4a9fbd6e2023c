"""The rows around the panes: title, tabs, note and keys; and the breakpoints of the layout."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from textual.content import Content
from textual.geometry import Size
from textual.style import Style
from textual.widgets import Static

from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.keys.keymap import EVERYWHERE, active_keys
from tui_charrnn.tui.keys.table import Key, Owner
from tui_charrnn.tui.session import Session

if TYPE_CHECKING:
    from textual.timer import Timer


WIDTHS: Final = [(0, "-too-narrow"), (40, "-small"), (60, "-narrow"), (110, "-wide")]
"""Minimum columns for each class of the screen."""
HEIGHTS: Final = [
    (0, "-too-low"),
    (12, "-flat"),
    (16, "-low"),
    (20, "-medium"),
    (30, "-high"),
]
"""Minimum rows for each class of the screen."""
TALL: Final = 48
"""Minimum rows to show the chart above a text that is being explained."""
TOO_SMALL: Final = "This terminal is too small: charrnn-tui needs 40 columns and 12 rows."
"""Shown alone in a terminal that has no room for anything else."""


def size_classes(size: Size) -> tuple[str, str]:
    """Return the width and height classes of the screen, as Textual sets them after the layout.

    Setting them earlier avoids styling the screen twice.
    """
    widest = max(limit for limit in WIDTHS if limit[0] <= size.width)
    highest = max(limit for limit in HEIGHTS if limit[0] <= size.height)
    return widest[1], highest[1]


def is_too_small(size: Size) -> bool:
    """Whether the terminal is too small for the app."""
    return size.width < WIDTHS[1][0] or size.height < HEIGHTS[1][0]


SHOW_PROBLEMS: Final = "Show the problems of the settings"
"""The name of this command in the palette."""
TAGLINE = "a character LSTM that you can watch and talk to"


class TitleRow(Static):
    """Shows the name of the program and of the run."""

    def __init__(self) -> None:
        super().__init__(markup=False)

    def show(self, session: Session) -> None:
        """Show the run of the session, or the tagline."""
        view = session.view
        about = tr(TAGLINE)
        if view is not None:
            name, known = safe_line(view.run.name), view.description
            about = tr("run {name}", name=name)
            if known is not None:
                about = tr(
                    "run {name} on {corpus} · preset {preset}",
                    name=name,
                    corpus=safe_line(known.corpus.name),
                    preset=safe_line(known.preset),
                )
        badge = f"  {tr('read-only')} " if session.is_readonly else ""
        row = Content.assemble(
            ("▍charrnn-tui", "bold $primary"), (badge, "bold $text-warning"), f"  {about}"
        )
        if row != self.content:
            self.update(row, layout=False)  # its size stays the same


LABELS: Final = {
    "text": "Text",
    "training": "Loss",
    "runs": "Runs",
    "childhood": "Samples",
    "log": "Log",
}
PANES: Final = tuple(LABELS)


class PaneTabs(Static):
    """Lists the panes; a click opens one. Brackets mark the open pane, also without colors."""

    DEFAULT_CSS = """
    PaneTabs {
        height: 1;
        padding: 0 1;
        color: $text-muted;
        text-wrap: nowrap;
    }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.auto_links = False

    def show(self, pane: str) -> None:
        """Mark the open pane."""
        keys = {key.id: key.display for key in active_keys()}
        row = Content()
        for name in PANES:
            is_open = name == pane
            style = "bold reverse $primary" if is_open else "dim"
            label = f"{keys[f'pane.{name}']} {tr(LABELS[name])}"
            text = f"[{label}]" if is_open else f" {label} "
            tab = _clickable(Content.styled(text, style), f"screen.show({name!r})")
            row = row.append(tab).append(" ")
        self.update(row, layout=False)  # its size stays the same


NOTE_TIME: Final = 8.0
"""Seconds for which a note is shown that is not permanent."""


class NoteLine(Static):
    """Shows a note for some seconds or until the next one; otherwise a hint."""

    DEFAULT_CSS = """
    NoteLine {
        height: auto;
        max-height: 3;
        padding: 0 2;
        color: $text-muted;
        &.-problem { color: $text-warning; }
    }
    """

    def __init__(self, hint: str) -> None:
        """Show a hint, which is safe text."""
        self._hint = hint
        self._timer: Timer | None = None
        super().__init__(self._hint, id="note", classes="-hint", markup=False)

    def show_note(self, sentence: str, *, is_problem: bool = False, lasts: bool = False) -> None:
        """Show a note, made safe for the terminal; an empty one shows the hint again.

        A note with `lasts` stays until it is replaced or cleared.
        """
        if self._timer is not None:
            self._timer.stop()
        self._timer = None
        text = safe_line(sentence) or self._hint
        if text != self.content:  # an update lays the screen out again
            self.update(text)
        self.set_class(is_problem, "-problem")
        self.set_class(not sentence, "-hint")  # one row where there are few; a note is shown whole
        if sentence and not lasts:
            self._timer = self.set_timer(NOTE_TIME, self.clear)

    def clear(self) -> None:
        """Replace any note by the hint."""
        self.show_note("")

    def show_hint(self, hint: str) -> None:
        """Set the hint, which is safe text; show it now, or after the current note."""
        self._hint = hint
        if self.has_class("-hint"):
            self.clear()


_ALWAYS_SHOWN: Final = ("app.help", "app.palette")
"""Keys that find all others: always shown, but the second not beside the keys of a pane."""
_ZOOM: Final = "pane.zoom"
_STOP: Final = "text.stop"
_WAYS_BACK: Final = {_ZOOM, _STOP}
"""Always shown while they have another label, as in a zoomed pane: they are the way back."""


class KeyRow(Static):
    """Shows the most useful keys first; a click presses a key.

    Textual's footer orders keys by the widget that they are bound to, so its order changes with the
    focus.
    """

    def __init__(self, owner: Owner | None = None) -> None:
        """Show the keys of one owner alone; without one, no key until `show`."""
        super().__init__(markup=False)
        self.auto_links = False  # Textual would draw each link in one color
        self._owner = owner
        self._request: object = None
        self._parts: list[tuple[Content, bool]] = []
        """Keys that share a label, and whether they must be shown."""

    def on_mount(self) -> None:
        """Show the keys of the owner."""
        if self._owner is not None:
            self.show({key.id for key in active_keys() if key.owner != self._owner}, self._owner)

    def show(
        self,
        hidden: Collection[str],
        pane: Owner | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Show all keys but the hidden ones, those of a pane first.

        `labels` overrides the labels in the table of keys, by key id.
        """
        request, labels = (frozenset(hidden), pane, labels), labels or {}
        if self._request == request:
            return
        self._request, self._parts = request, []
        required = {*_ALWAYS_SHOWN[: 1 if pane else 2], *(_WAYS_BACK & labels.keys())}
        for keys in _groups_of_label(key for key in keys_of_row(pane) if key.id not in hidden):
            contents = [_key_content(key, labels.get(key.id, tr(key.label))) for key in keys]
            self._parts.append((Content(" ").join(contents), keys[-1].id in required))
        self._draw_keys()

    def on_resize(self) -> None:
        """Show as many keys as fit, with wider gaps where there is room."""
        self._draw_keys()

    def _draw_keys(self) -> None:
        gap = "  " if self.size.width >= 100 else " "
        room = self.size.width + len(gap)  # no gap after the last key
        room -= sum(part.cell_length + len(gap) for part, is_required in self._parts if is_required)
        row = []
        for part, is_required in self._parts:
            room -= 0 if is_required else part.cell_length + len(gap)
            if is_required or room >= 0:
                row.append(part)
        self.update(Content(gap).join(row), layout=False)  # its size stays the same


def _groups_of_label(keys: Iterable[Key]) -> Iterator[list[Key]]:
    """Yield the keys that share a label; the last one of a group has it."""
    group: list[Key] = []
    for key in keys:
        group.append(key)
        if key.label:
            yield group
            group = []


def keys_of_row(pane: Owner | None) -> list[Key]:
    """Return the keys of the row in their order; those of a pane come first, then the app's."""
    shown = [key for key in active_keys() if key.in_row]
    everywhere = [key for key in shown if key.owner in EVERYWHERE]
    if pane is None:
        return everywhere
    # the text can be stopped and continued while it or its search has the focus
    is_text = pane in {"speech", "search"}
    rest = [key for key in everywhere if is_text or not key.id.startswith("text.")]
    own = [key for key in shown if key.owner == pane]
    return [*own, *sorted(rest, key=lambda key: not key.id.startswith("app."))]


def _key_content(key: Key, label: str) -> Content:
    pressed = key.keys.split(",")[0]
    shown = Content.styled(key.display, "bold $accent").append(
        Content.styled(f" {label}" if label else "", "dim")
    )
    return _clickable(shown, f"app.simulate_key({pressed!r})")


def _clickable(content: Content, action: str) -> Content:
    """Add a click action without markup: parsing it takes 2 ms of the first frame."""
    return content.stylize(Style.from_meta({"@click": action}))


def idle_keys(session: Session, *, is_streaming: bool, is_searching: bool) -> set[str]:
    """Return the ids of the keys that have no effect now."""
    idle = {"text.more" if is_streaming else _STOP}
    if is_searching:
        idle.discard(_STOP)
    else:
        idle |= {"speech.next", "speech.previous"}
    if not session.has_live_run or session.is_readonly:
        idle |= {"run.checkpoint", "run.stop", "run.pause"}
    return idle | (REFUSED if session.is_readonly else set())


REFUSED: Final = frozenset({
    *("run.train", "run.checkpoint", "run.stop", "run.pause", "run.rate"),
    *("runs.resume", "runs.extend", "runs.rename", "runs.delete", "runs.restore"),
})
"""Ids of the keys that a read-only session does not offer."""


def labels_now(session: Session, *, is_zoomed: bool, is_searching: bool) -> dict[str, str]:
    """Return the labels that differ from the table of keys now, by key id."""
    labels = {"run.pause": tr("Resume")} if session.is_paused else {}
    labels |= {_ZOOM: tr("All panes")} if is_zoomed else {}
    return labels | ({_STOP: tr("End search")} if is_searching else {})
