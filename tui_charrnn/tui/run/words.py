"""A few words that change often."""

from rich.cells import cell_len
from textual.widgets import Static


class Words(Static):
    """Shows plain text; lays the screen out anew only if the text takes other room than before."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - the name that every widget has for it
        super().__init__(id=id, markup=False)
        self._said = ""

    def say(self, text: str) -> None:
        """Show other words; the same again cost nothing."""
        if text == self._said:
            return
        takes_other_room = _room_of(text) != _room_of(self._said)
        self._said = text
        self.update(text, layout=takes_other_room)


def _room_of(text: str) -> list[int]:
    """The columns of the lines."""
    return list(map(cell_len, text.split("\n")))
