"""The overlays of text layers; tested without an app."""

from tui_charrnn.tui.text.search import Search
from tui_charrnn.tui.text.streamed_text import KeySelection
from tui_charrnn.tui.text.text_view import Overlay, TextLayer, TextView


class Counted(TextLayer):
    """Counts its calls."""

    def __init__(self) -> None:
        self.changes = 0
        self.rewraps = 0

    def overlays(self, row: int) -> list[Overlay]:
        return [Overlay(row, row + 1, "text-view--note")]

    def text_changed(self) -> None:
        self.changes += 1

    def rewrapped(self) -> None:
        self.rewraps += 1


def test_a_layer_is_notified_of_changed_text() -> None:
    view, layer = TextView(), Counted()
    view.text_layers.append(layer)
    view.append("one\ntwo")
    view.append(" three")
    assert (layer.changes, layer.rewraps) == (2, 0)
    view.replace_end(4, "four")
    assert layer.rewraps == 1
    view.clear()
    assert layer.rewraps == 2


def test_matches_are_marked_row_by_row() -> None:
    view = TextView()
    view.append("the cat and\nthe hat")
    search = Search(view)
    search.find("the")
    assert [list(search.overlays(row)) for row in (0, 1, 2)] == [
        [Overlay(0, 3, "text-view--found", is_opaque=True)],
        [Overlay(0, 3, "text-view--match", is_opaque=True)],
        [],
    ]
    search.step(1)
    assert (search.count, search.found_place()) == ("2/2", (1, 0))


def test_the_selection_cursor_starts_at_the_given_place() -> None:
    view = TextView()
    view.append("one\ntwo")
    selection = KeySelection(view)
    selection.start = lambda: (1, 1)
    selection.mark()
    assert list(selection.overlays(1)) == [Overlay(1, 2, "text-view--cursor")]
    assert list(selection.overlays(0)) == []
    selection.rewrapped()
    assert not selection.has_cursor
