"""One page: every key and what it does."""

from itertools import groupby
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui_charrnn.tui.bindings import GROUPS, KEYS
from tui_charrnn.tui.key import Key

_ABOUT = (
    "A character LSTM reads text one character at a time and guesses the next. What you type into "
    "the box is its beginning; what it guesses is written above. Loss is in nats per character: "
    "less is better."
)


class HelpScreen(ModalScreen[None]):
    """Lists the keys as the table in `bindings` has them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q,enter", "dismiss", "Close", show=False)
    ]

    def compose(self) -> ComposeResult:
        """What the program does, then a heading a group and a line a key."""
        with VerticalScroll(id="help") as page:
            page.border_title = Content("Keys")
            page.border_subtitle = Content("Esc closes")
            yield Static(_ABOUT, markup=False, id="help-about")
            for group, keys in groupby(KEYS, key=_group):
                yield Static(Content.styled(group, "bold"), classes="help-group")
                for key in keys:
                    yield Static(
                        Content.assemble((f"{key.display:<7}", "bold $accent"), key.sentence),
                        classes="help-key",
                    )


def _group(key: Key) -> str:
    return GROUPS[key.id.partition(".")[0]]
