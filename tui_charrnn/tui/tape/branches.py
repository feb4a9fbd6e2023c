"""The branches of a tape: a list of all, and a comparison of two."""

from collections.abc import Callable
from typing import ClassVar, Final, NamedTuple

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.getters import query_one
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui_charrnn.generation.tape import Tape
from tui_charrnn.generation.tree import LONGEST_NAME, Branch, ListedBranch
from tui_charrnn.hangul import continues_syllable
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.dialogs import AskTextScreen, Dialog
from tui_charrnn.tui.keys.keymap import bindings_of, tr_keys
from tui_charrnn.tui.text.text_view import TextView
from tui_charrnn.viewing.formatting import counted

_DEEPEST: Final = 6
"""Deepest level that is indented further."""
_BEGINNING: Final = 150
"""Most characters or jamo shown of a branch: jamo for a row of 60 columns."""
_BEFORE: Final = 60
"""Shared characters shown before the fork."""
_WIDTHS: Final = [(0, "-one-above"), (90, "-beside")]
"""Minimum columns of each CSS class."""


class Choice(NamedTuple):
    """A choice in the list."""

    number: int
    """The branch."""
    compares: bool
    """Whether to compare it with the displayed one, rather than to show it."""


class BranchesScreen(Dialog[Choice | None]):
    """Lists branches to show, compare or name; returns the choice, None after Esc."""

    OWNER: Final = "branches"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(OWNER)]
    DEFAULT_CSS = """
    BranchesScreen {
        & #branches {
            width: 90%;
            max-width: 100;
            height: auto;
            max-height: 90%;
            text-wrap: nowrap;
            text-overflow: ellipsis;
        }
    }
    """

    branches = query_one("#branches", OptionList)

    def __init__(self, tape: Tape, shown: int) -> None:
        """List the current branches of a tape, with the cursor on the displayed one."""
        super().__init__()
        self._tape, self._shown = tape, shown
        self._listed = tape.tree.outline()

    def compose(self) -> ComposeResult:
        """Yield the list: one row per branch, with its children below it."""
        rows = OptionList(*self._options(), id="branches", classes="box", markup=False)
        rows.border_title = Content(f"{tr('Branches')} · {len(self._listed)}")
        rows.border_subtitle = Content(
            tr_keys(
                "{branches.show} shows · {branches.compare} compares · {branches.name} names · Esc "
                "leaves"
            )
        )
        yield rows

    def on_mount(self) -> None:
        """Put the cursor on the displayed branch."""
        self._put_cursor_on(self._shown)
        self.branches.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Show the selected branch."""
        event.stop()
        self.action_show()

    def action_show(self) -> None:
        """Show the branch."""
        self._choose(compares=False)

    def action_compare(self) -> None:
        """Compare the branch with the displayed one."""
        self._choose(compares=True)

    def action_name(self) -> None:
        """Ask for a name of the branch."""
        if (place := self.branches.highlighted) is not None:
            branch = self._listed[place].branch
            ask_for_name(self.app, branch, lambda: self._list_again(branch.number))

    def _choose(self, *, compares: bool) -> None:
        if (place := self.branches.highlighted) is None:
            return
        number = self._listed[place].branch.number
        if compares and number == self._shown:
            words = tr("This one is shown: choose another to compare")
            self.branches.border_subtitle = Content(words)
        else:
            self.dismiss(Choice(number, compares))

    def _list_again(self, number: int) -> None:
        self.branches.clear_options()
        self.branches.add_options(self._options())
        self._put_cursor_on(number)

    def _put_cursor_on(self, number: int) -> None:
        numbers = [listed.branch.number for listed in self._listed]
        self.branches.highlighted = numbers.index(number)

    def _options(self) -> list[Option]:
        return [Option(self._row(listed)) for listed in self._listed]

    def _row(self, listed: ListedBranch) -> Content:
        branch = listed.branch
        indent = "  " * min(listed.depth, _DEEPEST)
        start, stop = branch.start, min(branch.length, branch.start + _BEGINNING)
        beginning = self._tape.text(branch.number, start, stop)
        size = _size(self._tape, len(branch.indices))
        if branch.parent is not None:
            size = tr("from {number:,}, {characters}", number=branch.start + 1, characters=size)
        return Content.assemble(
            "▸ " if branch.number == self._shown else "  ",
            indent,
            (safe_line(branch.name), "bold"),
            (f"  {size}  ", "$note-text"),
            (safe_line(beginning), "italic"),
        )


def _size(tape: Tape, count: int) -> str:
    """A number of characters, or of jamo if the model generates these."""
    if tape.stream.model.units == "jamo":
        return tr("{count:,} jamo", count=count)
    return counted(count, "character")


class ComparisonScreen(Dialog[None]):
    """Shows two branches from their fork on; the arrows scroll both, Esc closes."""

    HORIZONTAL_BREAKPOINTS = _WIDTHS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll(-1)", show=False),
        Binding("down", "scroll(1)", show=False),
        Binding("pageup", "scroll_page(-1)", show=False),
        Binding("pagedown", "scroll_page(1)", show=False),
        Binding("home", "scroll(-1000000000)", show=False),
        Binding("end", "scroll(1000000000)", show=False),
    ]
    DEFAULT_CSS = """
    ComparisonScreen {
        & #compared { width: 100%; height: 100%; background: $background; }
        &.-one-above #compared { layout: vertical; }
        &.-beside #compared { layout: horizontal; }
        & TextView {
            width: 1fr;
            height: 1fr;
            padding: 0 1;
            border: round $foreground 25%;
            border-title-color: $text-muted;
            border-subtitle-color: $text-muted;
        }
    }
    """

    def __init__(self, tape: Tape, numbers: tuple[int, int]) -> None:
        """Compare two branches, by their numbers."""
        super().__init__()
        self._tape, self._numbers = tape, numbers
        self._shared = tape.tree.shared(*numbers)

    def compose(self) -> ComposeResult:
        """Yield the two texts; the style sheet puts them side by side if there is room."""
        with Container(id="compared"):
            yield TextView()
            yield TextView()

    def on_mount(self) -> None:
        """Write both texts, after the end of their shared part."""
        start = max(self._shared - _BEFORE, 0)
        for text, number in zip(self.query(TextView), self._numbers, strict=True):
            branch = self._tape.tree.branches[number]
            own = self._tape.text(number, self._shared)
            text.can_focus = text.follows_end = False
            text.border_title = Content(
                tr(
                    "Branch {name} · {characters}, {shared:,} shared before",
                    name=safe_line(branch.name),
                    characters=_size(self._tape, len(own)),
                    shared=self._shared,
                )
            )
            shared = self._tape.text(number, start, self._shared)
            while start and shared and continues_syllable(shared[0]):
                shared = shared[1:]
            lines = shared.rpartition("\n")[2]
            text.append("… " if start or lines != shared else "", "note")
            text.append(lines, "note")
            text.append(own, "generated")
        text.border_subtitle = Content(tr("Arrows scroll · Esc leaves"))

    def action_scroll(self, rows: int) -> None:
        """Scroll both texts by rows."""
        for text in self.query(TextView):
            text.scroll_to(y=text.scroll_y + rows)

    def action_scroll_page(self, pages: int) -> None:
        """Scroll both texts by pages."""
        self.action_scroll(pages * max(1, self.query(TextView).first().size.height - 1))


def ask_for_name(app: App[object], branch: Branch, named: Callable[[], object]) -> None:
    """Ask for a branch's name; call `named` after it was set."""

    def problem(typed: str) -> str:
        if not typed.strip():
            return tr("A name has at least one character.")
        if len(typed) > LONGEST_NAME:
            return tr("A name has at most {count} characters.", count=LONGEST_NAME)
        return ""

    def take(typed: str) -> None:
        branch.name = typed.strip()
        named()

    AskTextScreen(tr("Name of the branch"), "", branch.name, problem).open(app, take)
