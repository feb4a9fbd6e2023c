"""The help screen, which lists and finds keys, and the commands of the palette.

The palette offers every key that acts here, and the themes. Textual's own commands are left out:
another list of keys, a maximized pane without a visible way back, and a screenshot that is written
in the screen's thread.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, ClassVar, NamedTuple

from rich.cells import cell_len, set_cell_size
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.geometry import Size
from textual.getters import query_one
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static

from tui_charrnn.translation import tr
from tui_charrnn.tui.chrome import REFUSED, SHOW_PROBLEMS
from tui_charrnn.tui.dialogs import Dialog, SafeInput
from tui_charrnn.tui.keys.keymap import EVERYWHERE, active_keys, owner_of
from tui_charrnn.tui.keys.table import Key, Owner, grouped, heading_of
from tui_charrnn.tui.text.wrapping import wrapped


class KeyList(Widget):
    """Lists keys and what they do under headings; long sentences wrap."""

    DEFAULT_CSS = "KeyList { height: auto; }"

    def __init__(self, keys: Sequence[Key]) -> None:
        super().__init__()
        self.keys = keys
        self._column = max(7, *(cell_len(key.display) + 1 for key in keys))

    def show(self, keys: Sequence[Key]) -> None:
        """List other keys instead."""
        self.keys = keys
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's own
        """Return the number of rows."""
        return len(self._rows(width))

    def render(self) -> Content:
        """Return all rows."""
        return Content("\n").join(self._rows(self.size.width))

    def _rows(self, width: int) -> list[Content]:
        rows: list[Content] = []
        room, indent = max(width, 2 * self._column) - self._column, " " * self._column
        for heading, keys in grouped(self.keys).items():
            rows += [Content(), Content.styled(tr(heading), "bold")][not rows :]
            for key in keys:
                name = (set_cell_size(key.display, self._column), "bold $accent")
                first, *others = wrapped(tr(key.sentence), room)
                rows += [
                    Content.assemble(name, first),
                    *(Content(indent + each) for each in others),
                ]
        return rows or [Content(tr("No key does that."))]


def matching(keys: Iterable[Key], typed: str) -> list[Key]:
    """Return the keys whose name, label, sentence or heading contains every typed word.

    Both the English and the translated texts are searched.
    """
    words = typed.casefold().split()
    if words and len(words[0]) > 1:
        words[0] = words[0].removeprefix("/")  # the key that begins a search elsewhere

    def has_all(key: Key) -> bool:
        english = (key.label, key.sentence, heading_of(key))
        text = " ".join((key.display, key.keys, *english, *map(tr, english))).casefold()
        return all(word in text for word in words)

    return [key for key in keys if has_all(key)]


class HelpScreen(Dialog[None]):
    """Lists the active keys that match the typed words."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # the key that opened the screen, as the user mapped it
        Binding("f1", "dismiss", "Close", show=False, id="app.help"),
        Binding("up", "scroll(-1)", show=False),
        Binding("down", "scroll(1)", show=False),
        Binding("pageup", "scroll_page(-1)", show=False),
        Binding("pagedown", "scroll_page(1)", show=False),
    ]
    CSS = """
    HelpScreen {
        #help { width: 78; height: 100%; padding: 0 1; }
        #help-search {
            border: none;
            height: 1;
            padding: 0 1;
            background: $panel;
        }
        #help-page { height: 1fr; padding: 0 1; scrollbar-gutter: stable; }
        #help-about { color: $text-muted; margin: 1 0; }
    }
    """

    search = query_one("#help-search", SafeInput)
    page = query_one("#help-page", VerticalScroll)
    list = query_one("KeyList", KeyList)

    def compose(self) -> ComposeResult:
        """A search line, what the program does, and the keys by group."""
        with Vertical(id="help", classes="box") as box:
            box.border_title = Content(tr("Keys"))
            box.border_subtitle = Content(tr("Type to find · Esc closes"))
            yield SafeInput(placeholder=tr("find a key by what it does"), id="help-search")
            with VerticalScroll(id="help-page", can_focus=False):
                about = tr(
                    "A character LSTM reads text one character at a time and guesses the next. "
                    "What you type into the box is its beginning; what it guesses is written "
                    "above. Loss is in nats per character: less is better."
                )
                yield Static(about, markup=False, id="help-about")
                yield KeyList(active_keys())

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the keys that match every typed word."""
        event.stop()
        self.list.show(matching(active_keys(), event.value))
        self.query_one("#help-about").display = not event.value.strip()
        self.page.scroll_home(animate=False)

    def action_scroll(self, rows: int) -> None:
        """Move the page by rows, down or (below 0) up."""
        self.page.scroll_relative(y=rows, animate=False)

    def action_scroll_page(self, pages: int) -> None:
        """Move the page by its height, down or (below 0) up."""
        self.page.scroll_relative(y=pages * max(1, self.page.size.height - 1), animate=False)


class KeyCommands(Provider):
    """Provides the commands of the palette, in the order of the table of keys."""

    async def discover(self) -> Hits:
        """Yield all commands."""
        for command in commands_of(self.app, self.screen):
            yield DiscoveryHit(command.title, command.callback, help=command.help)

    async def search(self, query: str) -> Hits:
        """Yield the commands that match a query."""
        matcher = self.matcher(query)
        for command in commands_of(self.app, self.screen):
            score = max(matcher.match(command.title), matcher.match(command.english))
            if score > 0:
                shown = matcher.highlight(command.title)
                yield Hit(score, shown, command.callback, help=command.help)


class Command(NamedTuple):
    """A command of the palette."""

    english: str
    """What it does, in English."""
    help: str
    """Its key or an explanation, translated."""
    callback: Callable[[], Any]

    @property
    def title(self) -> str:
        """What it does, translated."""
        return tr(self.english).rstrip(".")


def commands_of(app: App[Any], screen: Screen[Any]) -> Iterator[Command]:
    """Yield a command for every key that acts on a screen now, those of the focused pane first."""
    main = screen if screen is getattr(app, "main", None) else None  # else one on top of it
    pane, session = owner_of(screen.focused or screen), getattr(app, "session", None)
    left_out = {"app.palette", *(REFUSED if session is not None and session.is_readonly else ())}
    offered: set[str] = set()
    """Sentences offered so far: an action of the screen has a key in several panes."""
    keys = chain.from_iterable(grouped(active_keys()).values())
    for key in sorted(keys, key=lambda key: key.owner != pane):
        target: DOMNode | None = {"app": app, "main": main}.get(key.owner)
        if key.action.startswith(("text_pane.", "screen.")):  # acts wherever the focus is
            target = main
        elif key.owner == pane and screen.focused is not None:
            target = _node_with(screen.focused, key)
        if target is not None and key.id not in left_out and key.sentence not in offered:
            offered.add(key.sentence)
            run = partial(app.run_action, key.action, target)
            yield Command(key.sentence, _place_of(key, pane), run)
    about = tr("Colors of the app, shown as you go through them")
    yield Command("Change the theme", about, app.search_themes)
    if getattr(app, "problems", ()):
        about = tr("Each in a sentence")
        yield Command(SHOW_PROBLEMS, about, partial(app.run_action, "show_problems", app))


def _place_of(key: Key, pane: Owner | None) -> str:
    """Return the key, and the pane where it acts if that is not the current one."""
    if key.owner in EVERYWHERE or key.owner == pane:
        return tr("Key: {key}", key=key.display)
    heading = tr(heading_of(key))
    return tr("Key: {key}, {place}", key=key.display, place=heading[0].lower() + heading[1:])


def _node_with(focused: DOMNode, key: Key) -> DOMNode | None:
    """Return the widget that a key is bound to: the focused one or an ancestor."""
    method = "action_" + key.action.partition("(")[0]
    return next((node for node in focused.ancestors_with_self if hasattr(node, method)), None)
