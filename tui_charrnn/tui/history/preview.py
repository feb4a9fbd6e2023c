"""A text of the history, whole, below its model and settings; it can be generated again here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from textual.containers import Vertical
from textual.getters import query_one
from textual.widgets import Static

from tui_charrnn.history.rows import lacking
from tui_charrnn.translation import tr
from tui_charrnn.tui.history.format import settings_lines
from tui_charrnn.tui.history.replay import HistoryReplay, ReplayBegan, ReplayEnded, ReplayFailed
from tui_charrnn.tui.messages import NoteWritten
from tui_charrnn.tui.text.search import Search
from tui_charrnn.tui.text.text_view import TextView

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui_charrnn.history.generation import Entry
    from tui_charrnn.tui.generation_settings import GenerationSettings

FRAME: Final = 1 / 20  # seconds between two looks for new characters
_MOST_FACTS: Final = 5  # lines
_LOW: Final = 10  # rows of the preview below which two facts must do


class HistoryText(TextView):
    """The text; scrolls by keys while it has the focus."""


class HistoryPreview(Vertical):
    """Shows a text as it is kept, and draws it as it comes while it is generated again."""

    DEFAULT_CSS = """
    HistoryPreview {
        & #history-facts {
            height: auto;
            color: $text-muted;
            padding: 0 1;
            text-wrap: nowrap;
            text-overflow: ellipsis;
        }
        & HistoryText { height: 1fr; padding: 0 1; }
    }
    """

    facts = query_one("#history-facts", Static)
    text = query_one(HistoryText)

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []
        self._replay: HistoryReplay | None = None
        self._search: Search | None = None
        self.has_note = False
        """Whether a note was written about the text that is shown."""

    @property
    def is_replaying(self) -> bool:
        """Whether a text is being generated again."""
        return self._replay is not None

    def compose(self) -> ComposeResult:
        """The facts above the text."""
        yield Static("", id="history-facts", markup=False)
        yield HistoryText(limit=200_000)

    def on_mount(self) -> None:
        """Prepare the one timer that draws; it rests while nothing is generated."""
        self._frames = self.set_interval(FRAME, self._draw_new, pause=True)

    def on_unmount(self) -> None:
        """Let the thread end."""
        self.stop()

    def on_resize(self) -> None:
        """Show as many facts as there is room for."""
        self._show_facts()

    def show(self, entry: Entry | None, query: str = "") -> None:
        """Show a text from its beginning, and generate none any more.

        Args:
            entry: The text; None shows nothing.
            query: Words that were looked for: the first is marked and brought into view.
        """
        self.stop()
        self.has_note = False
        self._lines = [] if entry is None else list(settings_lines(entry, datetime.now(UTC)))
        self._show_facts()
        self.text.streaming = False
        self.text.clear()
        self.text.follows_end = False
        if entry is None:
            return
        kept = entry.generation
        self.text.append(kept.seed_text, "seed")
        self.text.append(kept.text, "generated")
        if more := lacking(kept):
            words = tr("… and {count:,} more characters, which were not kept", count=more)
            self.text.append(f"\n{words}", "note")
        self.text.scroll_to(y=0)
        self.call_after_refresh(self.mark, query)

    def mark(self, query: str) -> None:
        """Mark the first word of a search in the text, and bring it into view."""
        if self._search is None and query:
            self._search = Search(self.text)
            self.text.text_layers.append(self._search)
        if self._search is not None:
            self._search.find("")
            self._search.find(next(iter(query.split()), ""))

    def replay(self, entry: Entry, settings: GenerationSettings) -> None:
        """Generate a text again.

        Args:
            entry: The text.
            settings: Its speed is that of the app.
        """
        self.stop()
        self._replay = HistoryReplay(entry, settings, self.post_message)
        self._note(tr("Looking for its model …"))

    def stop(self) -> None:
        """Generate no more; what came stays."""
        if self._replay is not None:
            self._replay.stop()
            self._replay = None
            self._frames.pause()
            self.text.streaming = False

    def on_replay_began(self, event: ReplayBegan) -> None:
        """Draw the seed text, and from now on what comes."""
        event.stop()
        if event.replay is self._replay:
            self.text.clear()
            self.text.append(event.read_text, "seed")
            self.text.streaming = True
            self._frames.resume()
            self._note(tr("Generating it again; Esc stops."))

    def on_replay_ended(self, event: ReplayEnded) -> None:
        """Draw the last characters, and say whether they are the same."""
        event.stop()
        if event.replay is not self._replay:
            return
        self._draw_new()
        self.stop()
        length = event.replay.entry.generation.length
        if event.difference is None:
            self._note(tr("Generated again: the same {count:,} characters.", count=length))
        else:
            self._note(
                tr(
                    "This differs from the kept text from character {number:,} on. Another machine "
                    "may round in another way.",
                    number=event.difference + 1,
                ),
                is_problem=True,
            )

    def on_replay_failed(self, event: ReplayFailed) -> None:
        """Say why the text cannot be generated again."""
        event.stop()
        if event.replay is self._replay:
            self.stop()
            self._note(str(event.error), is_problem=True)

    def _draw_new(self) -> None:
        if self._replay is not None and (characters := self._replay.take()):
            self.text.append(characters, "generated")

    def _note(self, sentence: str, *, is_problem: bool = False) -> None:
        self.has_note = True
        self.post_message(NoteWritten(sentence, is_problem=is_problem))

    def _show_facts(self) -> None:
        most = _MOST_FACTS if self.size.height >= _LOW else 2
        lines = self._lines
        if len(lines) > most:
            more = tr("… and {count} more lines of settings", count=len(lines) - most + 1)
            lines = [*lines[: most - 1], more]
        self.facts.update("\n".join(lines))
        self.facts.display = bool(lines)
