"""The page on the embedding: characters in a plane, updated while a run trains."""

from collections.abc import Iterator
from typing import ClassVar, Final, NamedTuple

import numpy as np
from textual import events
from textual.binding import BindingType
from textual.content import Content

from tui_charrnn.errors import CharRNNError
from tui_charrnn.hangul import spelled_in
from tui_charrnn.model.weights import Float64
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import format_percent, tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.keys.keymap import bindings_of
from tui_charrnn.tui.pages.page import Page, PageContext
from tui_charrnn.tui.session import WeightsSource
from tui_charrnn.tui.text.model_loader import ModelRequest
from tui_charrnn.viewing.embedding import (
    Embedding,
    Piece,
    format_neighbors,
    format_sizes,
    legend,
    picture_of,
)

INTERVAL: Final = 3.0
"""Seconds between two pictures of a run that trains."""
_COLORS: Final = {
    "vowel": "$success",
    "consonant": "$primary",
    "capital": "$warning",
    "digit": "$error",
    "punctuation": "$text-muted",
    "other": "$secondary",
    "final": "$text-muted",
    "hangul0": "$primary",
    "hangul1": "$error",
    "hangul2": "$warning",
    "hangul3": "$success",
    "hangul4": "$secondary",
    "hangul5": "$accent",
}


class _Projection(NamedTuple):
    """An embedding and its projection, which takes long to compute."""

    label: str
    embedding: Embedding
    places: Float64
    """Coordinates of the characters in the plane, shape (V, 2)."""
    shares: Float64
    """Share of the variance that each component explains, shape (2,)."""


class EmbeddingPage(Page):
    """Draws characters in a plane and lists the neighbors of the one at the cursor."""

    OWNER = "embedding"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(OWNER)]

    def __init__(self, context: PageContext) -> None:
        """Draw the model that generates text, or the newest weights of the run that trains."""
        super().__init__(context, tr("Embedding: which characters are alike?"))
        self.shown: Embedding | None = None
        """The embedding that is drawn; None until it is loaded."""
        self.character = "."
        """The character at the cursor."""
        self._places: Float64 = np.zeros((0, 2))
        self._drawn: list[list[Piece]] = []

    def on_mount(self) -> None:
        """Load the model, and load newer weights while a run trains."""
        session, loader = self.context.session, self.context.loader

        def work(task: BackgroundTask) -> Iterator[_Projection | CharRNNError]:
            while True:
                request = ModelRequest.of(session)
                if request.is_live:
                    request = request._replace(source=WeightsSource.NEWEST)
                try:
                    loaded = loader.load(request, task.is_cancelled_after)
                except CharRNNError as error:  # e.g. the run has no weights yet
                    if not session.has_live_run:
                        raise
                    yield error
                else:
                    embedding = Embedding(loaded.model)
                    yield _Projection(loaded.label.translated, embedding, *embedding.plane)
                task.wait(INTERVAL)
                while not session.has_live_run:
                    task.wait(INTERVAL)

        self.compute(work, self._show_result)

    def on_key(self, event: events.Key) -> None:
        """Move the cursor to the typed character; a Hangul syllable selects its jamo in turn."""
        typed, known = event.character or "", self.shown.characters if self.shown else ""
        if len(typed) == 1 and (parts := spelled_in(known, typed)):
            event.stop()
            self.character = parts[(parts.find(self.character) + 1) % len(parts)]
            self.picture.draw()

    def action_move(self, right: int, down: int) -> None:
        """Move the cursor to the nearest character in a direction."""
        cells = {
            piece.number: (sum(len(before.text) for before in row[:place]), number)
            for number, row in enumerate(self._drawn)
            for place, piece in enumerate(row)
            if piece.number >= 0
        }
        here = cells.get(self._index)
        if here is None or self.shown is None:
            return

        def distance(cell: tuple[int, int]) -> float:
            x, y = cell[0] - here[0], 2 * (cell[1] - here[1])
            ahead, aside = (x * right, abs(y)) if right else (y * down, abs(x))
            return ahead + 2 * aside if ahead > 0 else float("inf")

        index = min(cells, key=lambda each: distance(cells[each]))
        if distance(cells[index]) < float("inf"):
            self.character = self.shown.characters[index]
            self.picture.draw()

    @property
    def _index(self) -> int:
        characters = self.shown.characters if self.shown is not None else ""
        return max(characters.find(self.character), 0)

    def _show_result(self, found: _Projection | CharRNNError) -> None:
        if isinstance(found, CharRNNError):
            self.show_note(str(found), is_problem=True)
            return
        label, embedding, places, shares = found
        if (
            places.shape == self._places.shape
        ):  # the sign of a component is arbitrary: keep the previous one
            places = places * np.where((places * self._places).sum(axis=0) < 0, -1, 1)
        self.shown, self._places = embedding, places
        subtitle = tr(
            "{model} · {share} of the variance · Esc leaves",
            model=safe_line(label),
            share=format_percent(shares.sum()),
        )
        self.query_one("#page").border_subtitle = Content(subtitle)
        self.show_note(format_sizes(embedding))
        self.picture.draw()

    def rows(self, width: int, height: int) -> list[str | Content]:
        """The plane, its color legend, and the neighbors of the character at the cursor."""
        shown = self.shown
        if shown is None:
            return [tr("Loading the model ...")]
        key = [
            Content.assemble(*(self._styled(piece) for piece in row))
            for row in legend(shown, width)
        ]
        others = len(key) + 3  # rows for the legend and the neighbors
        self._drawn = picture_of(shown, width, max(height - others, 1), self._places)
        rows: list[str | Content] = [
            Content.assemble(*(self._styled(piece) for piece in row)) for row in self._drawn
        ]
        near = format_neighbors(shown, self._index, max((width - 8) // 10, 1))
        return [*rows, "", *key, "", Content.assemble((near, "bold"))]

    def _styled(self, piece: Piece) -> tuple[str, str]:
        color = _COLORS.get(piece.kind, "")
        is_cursor = self.shown is not None and piece.number == self._index
        return piece.text, f"bold reverse {color}" if is_cursor else color
