"""The rows around the panes: title, tabs, notes and keys; and the sizes at which they change."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from textual.content import Content
from textual.geometry import Size
from textual.style import Style
from textual.widgets import Static

from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.hints import first_hint
from tui_charrnn.tui.keys.keymap import active_keys
from tui_charrnn.tui.keys.table import Key, Owner
from tui_charrnn.tui.session import Session

if TYPE_CHECKING:
    from textual.timer import Timer


WIDTHS: Final = [(0, "-too-narrow"), (40, "-small"), (60, "-narrow"), (110, "-wide")]
"""Columns from which on a screen has a class."""
HEIGHTS: Final = [
    (0, "-too-low"),
    (12, "-flat"),
    (16, "-low"),
    (20, "-medium"),
    (30, "-high"),
]
"""Rows from which on a screen has a class."""
TALL: Final = 48
"""Rows from which on there is room for a chart above a text that is being explained."""
TOO_SMALL: Final = "This terminal is too small: charrnn-tui needs 40 columns and 12 rows."
"""What stands in a terminal that has no room for anything else."""


def size_classes(size: Size) -> tuple[str, str]:
    """The classes of a screen in a terminal, as Textual sets them once it is laid out.

    A screen that has them from the beginning need not be styled a second time.
    """
    widest = max(limit for limit in WIDTHS if limit[0] <= size.width)
    highest = max(limit for limit in HEIGHTS if limit[0] <= size.height)
    return widest[1], highest[1]


def is_too_small(size: Size) -> bool:
    """Whether a terminal has no room for anything but a sentence that says so."""
    return size.width < WIDTHS[1][0] or size.height < HEIGHTS[1][0]


SHOW_PROBLEMS: Final = "Show the problems of the settings"
"""What the palette calls the page of them."""
TAGLINE = "a character LSTM that you can watch and talk to"


class TitleRow(Static):
    """Shows the name of the program and of the run."""

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._about = ""

    def show(self, session: Session) -> None:
        """Name what is open."""
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
        if about != self._about:
            self._about = about
            badge = f"  {tr('read-only')} " if session.is_readonly else ""
            row = Content.assemble(
                ("▍charrnn-tui", "bold $primary"), (badge, "bold $text-warning"), f"  {about}"
            )
            self.update(row, layout=False)  # it keeps its row, and the width of the screen


LABELS: Final = {
    "text": "Text",
    "training": "Loss",
    "runs": "Runs",
    "childhood": "Childhood",
    "log": "Log",
}
PANES: Final = tuple(LABELS)


class PaneTabs(Static):
    """Shows the panes; a click opens one. The open one stands in brackets, in any color."""

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
            look = "bold reverse $primary" if is_open else "dim"
            label = f"{keys[f'pane.{name}']} {tr(LABELS[name])}"
            text = f"[{label}]" if is_open else f" {label} "
            tab = _clickable(Content.styled(text, look), f"screen.show({name!r})")
            row = row.append(tab).append(" ")
        self.update(row, layout=False)  # it keeps its row, and the width of the screen


NOTE_TIME: Final = 8.0
"""Seconds for which a sentence is shown that is not about what lasts."""


class NoteLine(Static):
    """Holds a sentence for some seconds, or until the next; in between, what to do next."""

    DEFAULT_CSS = """
    NoteLine {
        height: auto;
        max-height: 3;
        padding: 0 2;
        color: $text-muted;
        &.-problem { color: $text-warning; }
    }
    """

    def __init__(self) -> None:
        self._hint = self._said = first_hint()
        self._is_telling = False
        self._timer: Timer | None = None
        super().__init__(self._said, id="note", markup=False)

    def tell(self, sentence: str, *, is_problem: bool = False, lasts: bool = False) -> None:
        """Show a sentence, or the hint if it is empty; foreign parts are made safe.

        One that lasts is true until it is taken back, and stays until then.
        """
        if self._timer is not None:
            self._timer.stop()
        self._timer = None
        self._is_telling = bool(sentence)
        self._draw_sentence(safe_line(sentence) or self._hint)
        self.set_class(is_problem, "-problem")
        if sentence and not lasts:
            self._timer = self.set_timer(NOTE_TIME, self.clear)

    def clear(self) -> None:
        """Take back what is shown, whatever it is."""
        self.tell("")

    def show_hint(self, hint: str) -> None:
        """Show what to do next, now or once there is nothing else to say; it is safe to show."""
        self._hint = hint
        if not self._is_telling:
            self._draw_sentence(hint)

    def _draw_sentence(self, said: str) -> None:
        if said != self._said:  # or else the screen is laid out again for nothing
            self._said = said
            self.update(said)


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
    "text.sampling",
    "pane.zoom",
)
"""The most useful first: what does not fit is left out, from the right."""
_ALWAYS: Final = ("app.help", "app.quit")
_HELP: Final = "app.help"
"""It tells of the keys that do not fit, so it has a place in every row."""
_ZOOM: Final = "pane.zoom"
"""So has this one, while it is the way back."""
_AS_THEY_ARE: Final[Mapping[str, str]] = MappingProxyType({})


class KeyRow(Static):
    """Shows keys in the order of their use; a click presses them.

    Textual's footer orders them by the widget that they are bound to, and that is where the focus
    happens to be.
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.auto_links = False  # or all of a link had one color
        self._wanted: object = None
        self._shown: list[Key] = []
        self._labels = _AS_THEY_ARE

    def show(
        self,
        hidden: Collection[str],
        pane: Owner | None = None,
        labels: Mapping[str, str] = _AS_THEY_ARE,
    ) -> None:
        """Show the keys that do something now: all but the hidden ones, those of a pane first.

        `labels` is what a key does now, by its id, where the table of keys says something else.
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
        gap = "  " if width >= 100 else " "
        parts = [self._part(keys, gap) for keys in _sharing(self._shown)]
        left = width + len(gap)  # the last one needs no gap
        left -= sum(part.cell_length for part, is_sure in parts if is_sure)
        row, is_full = Content(), False
        for part, is_sure in parts:
            if not is_sure:
                is_full = is_full or part.cell_length > left
                if is_full:
                    continue
                left -= part.cell_length
            row = row.append(part)
        self.update(row, layout=False)  # it keeps its row, and the width of the screen

    def _part(self, keys: list[Key], gap: str) -> tuple[Content, bool]:
        """Keys that have one label for all, and whether they have a place in any row."""
        contents = [_key_content(key, self._labels.get(key.id, tr(key.label))) for key in keys]
        name = keys[-1].id
        is_sure = name == _HELP or (name == _ZOOM and name in self._labels)
        return Content(" ").join(contents).append(gap), is_sure


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
    shown = Content.styled(key.display, "bold $accent").append(
        Content.styled(f" {label}" if label else "", "dim")
    )
    return _clickable(shown, f"app.simulate_key({pressed!r})")


def _clickable(content: Content, action: str) -> Content:
    """Made without markup: to parse that of all keys takes 2 ms of the first frame."""
    return content.stylize(Style.from_meta({"@click": action}))


def idle_keys(session: Session, *, is_streaming: bool, is_searching: bool) -> set[str]:
    """The ids of keys that do nothing now."""
    idle = {"text.more" if is_streaming else "text.stop"}
    if not is_searching:
        idle |= {"speech.next", "speech.previous"}
    if not session.has_live_run or session.is_readonly:
        idle |= {"run.checkpoint", "run.stop", "run.pause"}
    return idle | (REFUSED if session.is_readonly else set())


REFUSED: Final = frozenset({
    *("run.checkpoint", "run.stop", "run.pause", "run.rate"),
    *("runs.resume", "runs.extend", "runs.rename", "runs.delete", "runs.restore"),
})
"""Ids of keys that a view which only looks does not offer."""


def labels_now(session: Session, *, is_zoomed: bool = False) -> dict[str, str]:
    """What keys do now, by their ids, where that is not what the table says."""
    labels = {"run.pause": tr("Resume")} if session.is_paused else {}
    return labels | ({_ZOOM: tr("All panes")} if is_zoomed else {})
