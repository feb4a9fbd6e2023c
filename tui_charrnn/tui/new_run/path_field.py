"""The field for the path of a text: completed as one types, filled by what is dropped on it."""

from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.suggester import SuggestionReady
from textual.widgets import OptionList

from tui_charrnn.tui.background import BackgroundTask, LatestTask
from tui_charrnn.tui.new_run.fields import FormInput
from tui_charrnn.tui.new_run.typed_path import Candidate, Completion, complete_path, dropped_paths
from tui_charrnn.viewing.formatting import format_size

_NAME_COLUMN: Final = 28
"""Columns of a name in the list, at least."""


class PathInput(FormInput):
    """A path; gray behind the cursor is what Tab or → would add."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "accept", "Accept the completion, or go on", show=False),
        Binding("down", "turn(1)", "The next completion, or the next field", show=False),
        Binding("up", "turn(-1)", "The completion before, or the field before", show=False),
        Binding("escape", "close_list", "Close the list of completions", show=False),
    ]

    class OfferChanged(Message):
        """There are other candidates, or the user turned to another one."""

    @dataclass
    class Dropped(Message):
        """Several files were dropped at once."""

        paths: tuple[str, ...]

    @dataclass
    class _Completed(Message):
        completion: Completion

    def __init__(self, *, placeholder: str, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(placeholder=placeholder, id=id)
        self.candidates: tuple[Candidate, ...] = ()
        """Ways to go on with what stands in the field now."""
        self.highlighted: int | None = None
        """The candidate that the user turned to."""
        self._is_there = False
        self._latest = LatestTask("path-completion")

    @property
    def offered(self) -> Candidate | None:
        """What Tab would accept: nothing where the field names a file already, unasked."""
        if self.highlighted is not None:
            return self.candidates[self.highlighted]
        return self.candidates[0] if self.candidates and not self._is_there else None

    def accept(self, candidate: Candidate) -> None:
        """Take a candidate."""
        self.value = candidate.path
        self.cursor_position = len(self.value)

    def on_input_changed(self) -> None:
        """Look, in a thread, how the new value may go on."""
        self._offer(())
        self._latest.cancel()
        typed = self.value

        def look(task: BackgroundTask) -> None:
            completion = complete_path(typed, task.check)
            task.check()
            self.post_message(self._Completed(completion))

        if typed:
            self._latest.start(look)

    def on_path_input__completed(self, event: _Completed) -> None:
        """Offer what was found, if it is still what was asked."""
        event.stop()
        if event.completion.typed == self.value and self.has_focus:
            self._is_there = event.completion.is_there
            self._offer(event.completion.candidates)

    def on_blur(self) -> None:
        """Offer nothing while the user is elsewhere."""
        self._offer(())

    def on_unmount(self) -> None:
        """Look no more."""
        self._latest.cancel()

    def on_paste(self, event: events.Paste) -> None:
        """Understand what a terminal pastes for files that are dropped on it."""
        paths = dropped_paths(event.text)
        if paths:
            event.stop()
            event.prevent_default()
        if len(paths) > 1:
            self.post_message(self.Dropped(paths))
        elif paths:
            self.value = paths[0]
            self.cursor_position = len(self.value)

    def action_accept(self) -> None:
        """Take what is offered; where nothing is, go on to the next field."""
        if self.offered is None or not self.cursor_at_end:
            self.screen.focus_next()
        else:
            self.accept(self.offered)

    def action_turn(self, direction: int) -> None:
        """Turn to the next candidate, or the one before; without any, go to another field."""
        if not self.candidates:
            (self.screen.focus_next if direction > 0 else self.screen.focus_previous)()
            return
        before_first = -1 if direction > 0 else 0
        place = before_first if self.highlighted is None else self.highlighted
        self._offer(self.candidates, (place + direction) % len(self.candidates))

    def action_close_list(self) -> None:
        """Offer nothing any more; where nothing is offered, the key is for the form.

        Raises:
            SkipAction: If nothing is offered.
        """
        if not self.candidates:
            raise SkipAction
        self._offer(())

    async def action_submit(self) -> None:
        """Take the candidate that the user turned to; else what stands in the field is meant."""
        if self.highlighted is not None:
            self.accept(self.candidates[self.highlighted])
        else:
            self._offer(())
            await super().action_submit()

    def _offer(self, candidates: tuple[Candidate, ...], highlighted: int | None = None) -> None:
        if (candidates, highlighted) == (self.candidates, self.highlighted):
            return
        self.candidates, self.highlighted = candidates, highlighted
        suggestion = self.offered.path if self.offered else ""
        self.post_message(SuggestionReady(self.value, suggestion))
        self.post_message(self.OfferChanged())


class PathField(Vertical):
    """The path, and below it the ways to go on while there are several."""

    DEFAULT_CSS = """
    PathField {
        height: auto;
        width: 1fr;
        OptionList {
            display: none;
            overlay: screen;
            constrain: none inside;
            height: auto;
            max-height: 8;
            padding: 0 1;
            background: $panel;
            border: none;
        }
        &.-offering OptionList { display: block; }
    }
    """

    def __init__(self, *, placeholder: str, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__()
        self.input = PathInput(placeholder=placeholder, id=id)
        self._list = OptionList(compact=True, markup=False)
        self._list.can_focus = False

    def compose(self) -> ComposeResult:
        """The path above its candidates."""
        yield self.input
        yield self._list

    @on(PathInput.OfferChanged)
    def show_candidates(self, event: PathInput.OfferChanged) -> None:
        """List them, with the one marked that the user turned to."""
        event.stop()
        candidates = self.input.candidates
        self.set_class(bool(candidates), "-offering")
        if len(candidates) != self._list.option_count or self.input.highlighted is None:
            self._list.clear_options()
            self._list.add_options(_row(candidate) for candidate in candidates)
        self._list.highlighted = self.input.highlighted

    @on(OptionList.OptionSelected)
    def accept(self, event: OptionList.OptionSelected) -> None:
        """Take the candidate that was clicked."""
        event.stop()
        if event.option_index < len(self.input.candidates):
            self.input.accept(self.input.candidates[event.option_index])
        self.input.focus()


def _row(candidate: Candidate) -> Content:
    size = "" if candidate.size is None else format_size(candidate.size)
    return Content.assemble(candidate.name.ljust(_NAME_COLUMN), ("  " + size, "dim"))
