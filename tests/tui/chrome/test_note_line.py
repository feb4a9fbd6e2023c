"""The line below the panes: a note, or else a hint."""

import pytest
from textual.app import ComposeResult

from tests.support.themed_app import ThemedApp
from tests.support.waiting import wait_until
from tui_charrnn.tui import chrome
from tui_charrnn.tui.chrome import NoteLine


class Host(ThemedApp):
    """An app of the line alone."""

    def __init__(self) -> None:
        super().__init__()
        self.note = NoteLine("")

    def compose(self) -> ComposeResult:
        yield self.note

    @property
    def said(self) -> str:
        return str(self.note.content)


async def test_a_note_disappears_after_a_time_and_the_hint_returns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = Host()
    async with app.run_test() as pilot:
        app.note.show_hint("Press a key.")
        assert app.said == "Press a key."
        app.note.show_note("Copied.", is_problem=True)
        assert app.said == "Copied."
        assert app.note.has_class("-problem")
        app.note.show_hint("Press another key.")  # it waits for its turn
        assert app.said == "Copied."
        monkeypatch.setattr(chrome, "NOTE_TIME", 0.01)
        app.note.show_note("Saved.")
        await wait_until(pilot, "the hint", lambda: app.said == "Press another key.")
        assert not app.note.has_class("-problem")


async def test_what_lasts_stays_until_it_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Host()
    async with app.run_test():
        app.note.show_hint("Press a key.")
        app.note.show_note("Copied.")
        app.note.show_note("Held.", lasts=True)
        assert app.note._timer is None  # not even that of the sentence before
        app.note.clear()
        assert app.said == "Press a key."
