"""What the command palette offers: every key that acts here, and the themes; nothing of Textual's.

Textual's own commands have no place here: a list of keys beside ours, a pane that hides the others
and the way back, and a file that is written on the screen's thread.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from textual.app import App
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.dom import DOMNode
from textual.screen import Screen

from tui_charrnn.translation import tr
from tui_charrnn.tui.chrome import REFUSED, SHOW_PROBLEMS
from tui_charrnn.tui.keys.bindings import heading_of
from tui_charrnn.tui.keys.keymap import EVERYWHERE, active_keys
from tui_charrnn.tui.keys.table import Key, Owner


class KeyCommands(Provider):
    """The commands in the order of their use, which is that of the table of keys."""

    async def discover(self) -> Hits:
        """All of them."""
        for command in commands_of(self.app, self.screen):
            yield DiscoveryHit(command.title, command.callback, help=command.help)

    async def search(self, query: str) -> Hits:
        """Those that match what was typed."""
        matcher = self.matcher(query)
        for command in commands_of(self.app, self.screen):
            score = max(matcher.match(command.title), matcher.match(command.english))
            if score > 0:
                shown = matcher.highlight(command.title)
                yield Hit(score, shown, command.callback, help=command.help)


class Command(NamedTuple):
    """A command of the palette."""

    english: str
    """What it does, as the code has it."""
    help: str
    """Which key does it, or what it is about, in the language of the app."""
    callback: Callable[[], Any]

    @property
    def title(self) -> str:
        """What it does, in the language of the app."""
        return tr(self.english).rstrip(".")


def commands_of(app: App[Any], screen: Screen[Any]) -> Iterator[Command]:
    """What can be done on a screen, the keys of the pane with the focus first."""
    host, focused = getattr(screen, "pane_host", None), screen.focused
    main, pane = (screen, host.pane_of(focused)) if host else (None, getattr(screen, "OWNER", None))
    yield from key_commands(app, main, focused, pane)
    about = tr("Colors of the app, shown as you go through them")
    yield Command("Change the theme", about, app.search_themes)
    if getattr(app, "problems", ()):
        about = tr("Each in a sentence")
        yield Command(SHOW_PROBLEMS, about, partial(app.run_action, "show_problems", app))


def key_commands(
    app: App[Any], main: DOMNode | None, focused: DOMNode | None, pane: Owner | None
) -> Iterator[Command]:
    """A command for every key that can be pressed, those of the pane with the focus first.

    `main` is the main screen; None while another one is on top of it.
    """
    session = getattr(app, "session", None)
    refused = REFUSED if session is not None and session.is_readonly else frozenset()
    keys = [
        key for key in active_keys() if key.action != "command_palette" and key.id not in refused
    ]
    offered: set[str] = set()
    """What the screen does has a key in several panes."""
    for key in sorted(keys, key=lambda key: key.owner != pane):
        target: DOMNode | None = {"app": app, "main": main}.get(key.owner)
        if key.action.startswith(("text_pane.", "screen.")):  # it can, wherever the focus is
            target = main
        elif key.owner == pane and focused is not None:
            target = _node_with(focused, key)
        if target is not None and key.sentence not in offered:
            offered.add(key.sentence)
            yield Command(
                key.sentence,
                _place_of(key, pane),
                partial(app.run_action, key.action, target),
            )


def _place_of(key: Key, pane: Owner | None) -> str:
    """The key, and where it has to be pressed, if not just where the user is."""
    if key.owner in EVERYWHERE or key.owner == pane:
        return tr("Key: {key}", key=key.display)
    heading = tr(heading_of(key))
    return tr("Key: {key}, {place}", key=key.display, place=heading[0].lower() + heading[1:])


def _node_with(focused: DOMNode, key: Key) -> DOMNode | None:
    """The widget that a key is bound to: what has the focus, or what that is in."""
    method = "action_" + key.action.partition("(")[0]
    return next((node for node in focused.ancestors_with_self if hasattr(node, method)), None)
