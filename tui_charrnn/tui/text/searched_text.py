"""Streamed text that can be looked through."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Final

from textual.reactive import var

from tui_charrnn.tui.text.generated_text import GeneratedText
from tui_charrnn.tui.text.row_strip import Overlay
from tui_charrnn.tui.text.wrapped_text import TextStyle

if TYPE_CHECKING:
    from tui_charrnn.tui.text.text_search import Matches

_PAUSE: Final = 0.25
"""Seconds between two looks at text that streams in while it is being looked through."""


class SearchedText(GeneratedText):
    """Marks what is looked for, underlined; the match at which the reader is, reversed.

    While something is looked for the end is not followed: a match would scroll away.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"generated-text--match", "generated-text--found"}
    DEFAULT_CSS = """
    SearchedText {
        & .generated-text--match { background: $warning 30%; text-style: underline; }
        & .generated-text--found { color: $warning; text-style: bold reverse; }
    }
    """

    match_words: var[str] = var("", init=False)
    """How many matches there are and at which the reader is, such as 3/17; empty without search."""

    _query = ""
    _matches: Matches | None = None
    _at = 0
    """Which match the reader is at, from 0."""
    _from = (0, 0)
    """Where the search began."""
    _will_look = False

    def find(self, query: str) -> None:
        """Mark all places that have the query, and show the first from where the search began.

        Args:
            query: As it is shown, in one line; nothing ends the search.
        """
        if not self._query:
            self._from = (self._wrapped.first + self.scroll_offset.y, 0)
        self._query = query
        self._look(self._from)
        self._show_found()

    def step(self, direction: int) -> None:
        """Go to the next match (1) or to the one before (-1), and round at the ends."""
        if self._matches is not None and (count := len(self._matches.starts)):
            self._at = (self._at + direction) % count
            self._mark_found()
            self._show_found()

    def reveal(self, number: int) -> None:
        """Scroll a row into view, with some rows above it, and stay there.

        Args:
            number: The number of the row.
        """
        row, height = number - self._wrapped.first, self.scrollable_content_region.height
        if not 0 <= row - self.scroll_offset.y < height:
            self.scroll_to(y=row - height // 3)
        self.follows_end = False

    def append(self, text: str, style: TextStyle = "generated") -> None:
        """Add text at the end; it is looked through a moment later."""
        super().append(text, style)
        if self._query and not self._will_look:
            self._will_look = True
            self.set_timer(_PAUSE, self._look_again)

    def found_place(self) -> tuple[int, int] | None:
        """Row and character, as drawn, of the match that the reader is at."""
        if self._matches is None or not self._matches.starts:
            return None
        row, _ = self._matches.place(self._at)
        spans = self._spans_in(row)
        return next(((row, start) for index, start, _ in spans if index == self._at), None)

    # deferred imports: needed by those who look for something only

    def _find_all(self) -> None:
        from tui_charrnn.tui.text.text_search import find_matches  # noqa: PLC0415 - as said

        self._matches = find_matches(self._wrapped, self._query) if self._query else None

    def _spans_in(self, row: int) -> Iterable[tuple[int, int, int]]:
        """The matches in a row, by number, with where they are drawn."""
        from tui_charrnn.tui.text.text_search import drawn_spans  # noqa: PLC0415 - as said

        return () if self._matches is None else drawn_spans(self._wrapped, self._matches, row)

    def _look(self, place: tuple[int, int]) -> None:
        self._find_all()
        if self._matches is not None and self._matches.starts:
            self._at = self._matches.next_to(place)
        self._mark_found()

    def _look_again(self) -> None:
        """Look through text that has changed; the reader stays at the same match."""
        self._will_look = False
        matches = self._matches
        if matches is not None:
            self._look(matches.place(self._at) if matches.starts else self._from)

    def _mark_found(self) -> None:
        count = len(self._matches.starts) if self._matches is not None else 0
        at = f"{self._at + 1:,}/{count:,}" if count else "no match"
        self.match_words = at if self._query else ""
        self._strips.clear()
        self.refresh()

    def _show_found(self) -> None:
        if self._matches is not None and self._matches.starts:
            self.reveal(self._matches.place(self._at)[0])

    def _start_afresh(self, top: int) -> None:
        """Look again, for rows that end elsewhere; the reader stays at the same match."""
        super()._start_afresh(top)
        if self._query:
            self._find_all()
            count = len(self._matches.starts) if self._matches is not None else 0
            self._at = min(self._at, max(count - 1, 0))
            self._mark_found()
            self._show_found()

    def _overlays(self, number: int) -> list[Overlay]:
        """What lies over the text of a row: matches, and the selection above them."""
        overlays: list[Overlay] = []
        if self._matches is not None:
            match = self.get_component_rich_style("generated-text--match")
            found = self.get_component_rich_style("generated-text--found")
            overlays = [
                (start, end, found if index == self._at else match)
                for index, start, end in self._spans_in(number)
            ]
        return overlays + super()._overlays(number)
