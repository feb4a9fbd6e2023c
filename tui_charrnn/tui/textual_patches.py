"""Every use of Textual's private names: features that it lacks, and fixes of its defects.

Check this module first when Textual is upgraded.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal

from rich.align import Align
from textual import constants, events
from textual._compositor import Compositor, CompositorMap, ReflowResult
from textual._context import active_message_pump, visible_screen_stack
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.command import CommandInput, CommandList, CommandPalette
from textual.css.query import NoMatches
from textual.document._document import EditResult
from textual.document._edit import Edit
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver
from textual.errors import NoWidget
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option
from textual.worker import WorkerFailed, get_current_worker

from tui_charrnn.translation import tr
from tui_charrnn.tui.terminal import terminal_decoder

if TYPE_CHECKING:  # not needed for the first frame
    from rich.console import RenderableType
    from textual.driver import Driver
    from textual.events import Click
    from textual.geometry import Offset, Size
    from textual.visual import VisualType
    from textual.widgets import Select

__all__ = ["Edit", "EditResult"]  # re-exported from Textual
_MOVE_PAGE: Final = OptionList._move_page
_CONTENT_HEIGHT: Final = OptionList.get_content_height
_ON_CLICK: Final = OptionList._on_click
_WIDGET_AND_OFFSET_AT: Final = Screen.get_widget_and_offset_at
_CLICK_BESIDE: Final = CommandPalette._on_click
_DISMISS: Final = CommandPalette.dismiss
_GATHER_COMMANDS: Final = CommandPalette._gather_commands
_COMMAND_LIST: Final = CommandPalette._action_command_list
_CURSOR_DOWN: Final = CommandPalette._action_cursor_down
_RENDER_SCREEN: Final = Screen.render
_SCREEN_RESIZED: Final = Screen._screen_resized
_FOCUS_MOVES: Final = frozenset({"app.focus_next", "app.focus_previous"})
_REFLOW: Final = Compositor.reflow


def add_action_target(app: App[None], name: str) -> None:
    """Allow actions that start with the name of a property of the app, as with `screen.`."""
    app._action_targets.add(name)


def send_to_terminal(app: App[object], sequence: str) -> None:
    """Write a control sequence that Textual does not offer, such as the window title."""
    if sequence and app._driver is not None:
        app._driver.write(sequence)


def has_unwritten_output(app: App[object]) -> bool:
    """Whether the terminal has not accepted yet all that was drawn, as over a slow line.

    What waits is shown first, also before the echo of a key, and Textual queues 30 frames.
    """
    writer = getattr(app._driver, "_writer_thread", None)
    return writer is not None and not writer._queue.empty()


def patch_textual() -> None:
    """Fix defects of this version of Textual.

    Crashes:

    - `OptionList`: PageUp and PageDown before the first layout look up lines of an option that are
      not counted yet. This happens in the palette if both keys arrive together, and in any list
      that has no rows in a low terminal. A list that has no columns wraps its rows at width 0. A
      click may hit a drawn option that the list no longer has.
    - `Screen`: a click asks a widget that was just removed for its parent.
    - `CommandPalette`: two clicks beside it, or a click after a key has closed it, close it twice;
      a click where nothing is drawn, as before the first layout, is an error; a key queries its
      list, which is not mounted yet or already removed; a second palette has the same id as the
      first one, which may still be mounted.
    - Three screens on the stack: the middle one may take the screen above it for its background,
      and both then draw each other endlessly.

    Wrong behavior:

    - A widget gets no `Show`, or no `Resize` and text that stays wrapped for the old width, if a
      neighbor scrolls or the mouse moves before the layout: that renews the map of sizes that
      Textual compares with.
    - A screen that gets the same size again, as twice at the start, is laid out and drawn again.
    - The texts of the palette are English in every language.
    """
    for owner, name, method in (
        (OptionList, "_move_page", _move_page),
        (OptionList, "get_content_height", _content_height),
        (OptionList, "_on_click", _on_click),
        (Screen, "get_widget_and_offset_at", _widget_and_offset_at),
        (Screen, "_screen_resized", _screen_resized),
        (Screen, "render", _render_screen),
        (CommandPalette, "_on_click", _click_beside),
        (CommandPalette, "dismiss", _dismiss),
        (CommandPalette, "_gather_commands", _gather_commands),
        (CommandPalette, "_action_command_list", _action_command_list),
        (CommandPalette, "_action_cursor_down", _action_cursor_down),
        (App, "action_command_palette", _open_palette),
        (CommandList, "add_option", _add_option),
        (Compositor, "reflow", _reflow),
    ):
        setattr(owner, name, method)


def _move_page(self: OptionList, direction: Literal[-1, 1]) -> None:
    if self.scrollable_content_region:
        _MOVE_PAGE(self, direction)
    elif direction > 0:
        self.action_cursor_down()
    else:
        self.action_cursor_up()


def _content_height(self: OptionList, container: Size, viewport: Size, width: int) -> int:
    padding = self.get_component_styles("option-list--option").padding.width
    return _CONTENT_HEIGHT(self, container, viewport, max(width, padding + 1))


async def _on_click(self: OptionList, event: Click) -> None:
    if event.style.meta.get("option", 0) < self.option_count:
        await _ON_CLICK(self, event)


def _widget_and_offset_at(
    self: Screen[object], x: int, y: int
) -> tuple[Widget | None, Offset | None]:
    widget, offset = _WIDGET_AND_OFFSET_AT(self, x, y)
    return (None, None) if widget is not None and widget.parent is None else (widget, offset)


def _render_screen(self: Screen[object]) -> RenderableType:
    stack = self.app.screen_stack
    below = stack[: stack.index(self)] if self in stack else []
    visible_screen_stack.set(below)  # the last one is the background of a translucent screen
    return _RENDER_SCREEN(self)


def _screen_resized(self: Screen[object], size: Size) -> None:
    if size != self._size:
        _SCREEN_RESIZED(self, size)


def _reflow(self: Compositor, parent: Widget, size: Size) -> ReflowResult:
    before: CompositorMap = vars(self).get("laid_out", {})
    result = _REFLOW(self, parent, size)
    after = vars(self)["laid_out"] = self._full_map
    resized = {
        widget
        for widget in after.keys() & before.keys()
        if after[widget].region.size != before[widget].region.size
    }
    return result._replace(shown=after.keys() - before.keys(), resized=resized)


def _click_beside(self: CommandPalette, event: Click) -> None:
    with suppress(NoWidget):
        _CLICK_BESIDE(self, event)


def _dismiss(self: CommandPalette, result: None = None) -> AwaitComplete:
    return _DISMISS(self, result) if self.is_active else AwaitComplete()


def _gather_commands(self: CommandPalette, search_value: str) -> None:
    # without a list, Textual calls this again once there is one, without a value
    if self.query(CommandList):
        _GATHER_COMMANDS(self, search_value or self.query_one(CommandInput).value.strip())


def _action_command_list(self: CommandPalette, action: str) -> None:
    if self.query(CommandList):
        _COMMAND_LIST(self, action)


def _action_cursor_down(self: CommandPalette) -> None:
    if self.query(CommandList):
        _CURSOR_DOWN(self)


def _open_palette(self: App[object]) -> None:
    is_left = any(node.id == "--command-palette" for node in self._nodes)
    if is_left and not CommandPalette.is_open(self):
        self.set_timer(0.02, self.action_command_palette)
    elif self.use_command_palette and not CommandPalette.is_open(self):
        placeholder = tr("Search for commands…")
        self.push_screen(CommandPalette(placeholder=placeholder, id="--command-palette"))


def _add_option(self: CommandList, option: Option | VisualType | None = None) -> OptionList:
    if isinstance(option, Option) and option.id == CommandPalette._NO_MATCHES:
        option = Option(Align.center(tr("No matches found")), option.id, disabled=True)
    return OptionList.add_option(self, option)


def is_closing(screen: Screen[None]) -> bool:
    """Whether the app is closing: its screens then refuse new widgets."""
    return screen._closing or screen.app._exit


def is_of_removed(error: Exception) -> bool:
    """Whether an error is a failed query of a widget that was removed, which is harmless.

    If a screen or the app closes while it is being composed, Textual removes or does not mount
    children that its handlers still query.
    """
    if isinstance(error, WorkerFailed):
        return isinstance(error.error, NoMatches) and _is_removed(get_current_worker().node)
    return isinstance(error, NoMatches) and _is_removed(active_message_pump.get(None))


def _is_removed(node: object) -> bool:
    """Whether a widget is on no open screen, or is being removed, as all are when the app exits."""
    if not isinstance(node, Widget):
        return False
    if node.app._exit:
        return True
    nodes = [each for each in node.ancestors_with_self if isinstance(each, Widget)]
    screen = nodes[-1]
    is_open = isinstance(screen, Screen) and screen in node.app.screen_stack
    return not is_open or any(each._pruning or each._closing for each in nodes)


class TolerantDriver(LinuxDriver):
    """Textual's driver, with input decoded by `TerminalDecoder`.

    Bytes that are not UTF-8 end Textual's own input thread.
    """

    def run_input_thread(self) -> None:
        """Read input until the app exits."""
        names = vars(linux_driver)  # Textual's loop looks up its decoder here
        strict = names["getincrementaldecoder"]
        names["getincrementaldecoder"] = terminal_decoder
        try:
            super().run_input_thread()
        finally:
            names["getincrementaldecoder"] = strict

    def _run_input_thread(self) -> None:
        """Report an error in this thread like any other, instead of exiting with code 0."""
        try:
            self.run_input_thread()
        except Exception as error:  # noqa: BLE001 - the app reports it
            self._app.call_later(self._app._handle_exception, error)


def tolerant_driver() -> type[Driver] | None:
    """Return the driver for this terminal; None if the environment names another one."""
    return None if constants.DRIVER else TolerantDriver


def close_after_crash(app: App[None], error: Exception, code: int) -> bool:
    """Close an app without Textual's traceback, which shows variables; False if it is closing."""
    is_first = app._exception is None
    if is_first:
        app._exception = error
        app._exception_event.set()
    app._return_code = code
    app._close_messages_no_wait()
    return is_first


class KeysInOrder(Widget):
    """Handles the keys of a field immediately; listed after the field class among the bases.

    Textual handles a bound key only after it has bubbled up to the app, but inserts characters
    immediately. Where keys arrive together, as on a slow line, ^u would also delete what was typed
    after it, and what is typed after Tab would go into the field before.
    """

    async def on_key(self, event: events.Key) -> None:
        """Run the field's action for the key, or the screen's that moves the focus.

        Without one, the key bubbles up, e.g. to scroll.
        """
        if self.screen.focused is not self:  # for another widget, or bubbling up from a child
            forward_key(self, event)
            return
        for owner in (self, self.screen):
            bindings = owner._bindings.key_to_bindings.get(event.key, [])
            actions = [binding.action for binding in bindings if not binding.priority]
            if owner is not self:
                actions = [action for action in actions if action in _FOCUS_MOVES]
            for action in actions:
                if await self.app.run_action(action, owner):
                    event.stop()
                    event.prevent_default()
                    return


def forward_key(field: Widget, event: events.Key) -> None:
    """Forward a key to the focused widget, if that is no longer the field.

    Textual sends a key to the widget that has the focus when the key arrives. Where keys arrive
    together, as on a slow line, an earlier key that is not handled yet may move the focus.
    """
    focused = field.screen.focused
    if focused is not None and field not in focused.ancestors_with_self:
        event.stop()
        event.prevent_default()
        focused._forward_event(events.Key(event.key, event.character))


def preset_selection(select: Select[str], value: str) -> None:
    """Set the value that a `Select` gets once it is mounted."""
    select._value = value


def selection_of(select: Select[str]) -> str:
    """Return the chosen value, also before the `Select` is mounted."""
    return str(select.selection or select._value)
