"""Two branches of a tape beside each other, from where they part."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content

from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.dialogs import Dialog
from tui_charrnn.tui.text.text_view import TextView
from tui_charrnn.viewing.formatting import counted

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui_charrnn.generation.tree import Tree

_BEFORE: Final = 60
"""Characters that both have, and that are shown before they part."""
_WIDTHS: Final = [
    (0, "-one-above"),
    (90, "-beside"),
]
"""Columns from which on the style sheet has a class."""


class ComparisonScreen(Dialog[None]):
    """Shows both texts from their fork on; the arrows scroll both, Esc leaves."""

    HORIZONTAL_BREAKPOINTS = _WIDTHS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Leave", show=False),
        Binding("up", "scroll(-1)", show=False),
        Binding("down", "scroll(1)", show=False),
        Binding("pageup", "scroll_page(-1)", show=False),
        Binding("pagedown", "scroll_page(1)", show=False),
        Binding("home", "scroll(-1000000000)", show=False),
        Binding("end", "scroll(1000000000)", show=False),
    ]
    DEFAULT_CSS = """
    ComparisonScreen {
        align: center middle;
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

    def __init__(self, tree: Tree, vocabulary: str, numbers: tuple[int, int]) -> None:
        """Name the branches.

        Args:
            tree: All branches.
            vocabulary: The characters of the model.
            numbers: Of two branches.
        """
        super().__init__()
        self._tree = tree
        self._vocabulary = vocabulary
        self._numbers = numbers
        self._shared = tree.shared(*numbers)
        self._lengths = [tree.branches[number].length for number in numbers]

    def compose(self) -> ComposeResult:
        """One text beside the other, or above it where there is no room."""
        with Container(id="compared"):
            for number, length in zip(self._numbers, self._lengths, strict=True):
                text = TextView()
                text.can_focus = False
                own = length - self._shared
                name = safe_line(self._tree.branches[number].name)
                text.border_title = Content(
                    tr(
                        "Branch {name} · {characters}, {shared:,} shared before",
                        name=name,
                        characters=counted(own, "character"),
                        shared=self._shared,
                    )
                )
                yield text
            text.border_subtitle = Content(tr("Arrows scroll · Esc leaves"))

    def on_mount(self) -> None:
        """Write both, with the end of what they share."""
        start = max(self._shared - _BEFORE, 0)
        for text, number, length in zip(
            self.query(TextView), self._numbers, self._lengths, strict=True
        ):
            text.follows_end = False
            shared = self._tree.spell(self._vocabulary, number, start, self._shared)
            lines = shared.rpartition("\n")[2]
            text.append("… " if start or lines != shared else "", "note")
            text.append(lines, "note")
            own = self._tree.spell(self._vocabulary, number, self._shared, length)
            text.append(own, "generated")

    def action_scroll(self, rows: int) -> None:
        """Move both texts by rows."""
        for text in self.query(TextView):
            text.scroll_to(y=text.scroll_y + rows)

    def action_scroll_page(self, pages: int) -> None:
        """Move both texts by their height."""
        self.action_scroll(pages * max(1, self.query(TextView).first().size.height - 1))
