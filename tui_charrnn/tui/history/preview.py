"""The history preview: a whole text below its model and settings; replays it."""

import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.getters import query_one
from textual.widgets import Static

from tui_charrnn.errors import CharRNNError, ConfigError
from tui_charrnn.generation.neuron import parse_clamps
from tui_charrnn.generation.stream import Replay
from tui_charrnn.history.generation import (
    Entry,
    Generation,
    format_length,
    omitted_characters,
    why_no_replay,
)
from tui_charrnn.history.store import find_same_model
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.messages import NoteWritten
from tui_charrnn.tui.session import ActiveClamps, GenerationSettings, identity_of
from tui_charrnn.tui.text.model_loader import LoadedModel
from tui_charrnn.tui.text.search import Search
from tui_charrnn.tui.text.tape_text import FRAME
from tui_charrnn.tui.text.text_view import TextView
from tui_charrnn.viewing.formatting import format_age, format_sampling

_MOST_FACTS: Final = 5  # lines
_LEAST_HEIGHT: Final = 10  # minimum rows of the preview for more than two facts


class HistoryPreview(Vertical):
    """Shows a stored text, and draws it as it streams during a replay."""

    DEFAULT_CSS = """
    HistoryPreview {
        & #history-facts {
            height: auto;
            color: $text-muted;
            padding: 0 1;
            text-wrap: nowrap;
            text-overflow: ellipsis;
        }
        & TextView { height: 1fr; padding: 0 1; }
    }
    """

    facts = query_one("#history-facts", Static)
    text = query_one(TextView)

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []
        self._replay: BackgroundTask | None = None
        """The running replay, if any."""
        self._characters: deque[str] = deque()
        """Generated characters that are not drawn yet."""
        self.has_note = False
        """Whether a note about the displayed text was posted."""

    @property
    def is_replaying(self) -> bool:
        """Whether a replay is running."""
        return self._replay is not None

    def compose(self) -> ComposeResult:
        """Yield the facts and the text."""
        yield Static("", id="history-facts", markup=False)
        yield TextView()

    def on_mount(self) -> None:
        """Create the search, and the drawing timer, paused until a replay starts."""
        self._search = Search(self.text)
        self.text.text_layers.append(self._search)
        self._frames = self.set_interval(FRAME, self._draw_new, pause=True)

    def on_unmount(self) -> None:
        """End the replay thread."""
        self.stop()

    def on_resize(self) -> None:
        """Show as many facts as there is room for."""
        self._show_facts()

    def show(self, entry: Entry | None, query: str = "") -> None:
        """Stop a replay and show a text from its beginning, or nothing.

        The first word of the query is marked and scrolled into view.
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
        if more := omitted_characters(kept):
            words = tr("… and {count:,} more characters were not kept", count=more)
            self.text.append(f"\n{words}", "note")
        self.text.scroll_to(y=0)
        self.call_after_refresh(self.mark, query)

    def mark(self, query: str) -> None:
        """Mark the first word of a query in the text, and scroll it into view."""
        self._search.find("")
        self._search.find(next(iter(query.split()), ""))

    def replay(self, entry: Entry, settings: GenerationSettings) -> None:
        """Generate a text again, in a thread, at the speed of the settings."""
        self.stop()
        self._characters = characters = deque[str]()

        def work(task: BackgroundTask) -> None:
            is_problem = True
            try:
                path = find_same_model(entry)
                task.check()
                replay = Replay(load_model(path), entry.generation, lambda: task.is_cancelled)
                task.deliver(self.call_later, self._begin, replay.read_text)
                due = time.monotonic()
                while (character := replay.next()) is not None:
                    characters.append(character)
                    now = time.monotonic()
                    due = settings.next_due(due, now)
                    task.wait(max(0.0, due - now))
            except (CharRNNError, OSError) as error:
                sentence = str(error)
            else:
                sentence = _format_result(entry, replay.difference)
                is_problem = replay.difference is not None
            end = partial(self._end, sentence, is_problem=is_problem)
            task.deliver(self.call_later, end)

        self._replay = BackgroundTask("history-replay", work)
        self._note(tr("Looking for its model …"))

    def stop(self) -> None:
        """Stop a replay; its characters stay."""
        if self._replay is not None:
            self._replay.cancel()
            self._replay = None
            self._frames.pause()
            self.text.streaming = False

    def _begin(self, read_text: str) -> None:
        """Show the seed text as the model read it, and start drawing."""
        self.text.clear()
        self.text.append(read_text, "seed")
        self.text.streaming = True
        self._frames.resume()
        self._note(tr("Generating it again; Esc stops."))

    def _end(self, sentence: str, *, is_problem: bool) -> None:
        """Draw the last characters, and show the result as a note."""
        self._draw_new()
        self.stop()
        self._note(sentence, is_problem=is_problem)

    def _draw_new(self) -> None:
        characters = [self._characters.popleft() for _ in range(len(self._characters))]
        self.text.append("".join(characters), "generated")

    def _note(self, sentence: str, *, is_problem: bool = False) -> None:
        self.has_note = True
        self.post_message(NoteWritten(sentence, is_problem=is_problem))

    def _show_facts(self) -> None:
        most = _MOST_FACTS if self.size.height >= _LEAST_HEIGHT else 2
        lines = self._lines
        if len(lines) > most:
            more = tr("… and {count} more lines of settings", count=len(lines) - most + 1)
            lines = [*lines[: most - 1], more]
        self.facts.update("\n".join(lines))
        self.facts.display = bool(lines)


def settings_lines(entry: Entry, now: datetime) -> Iterator[str]:
    """Yield model, time, seed and settings of a text as lines that are safe to show."""
    kept = entry.generation
    age = format_age((now - entry.time).total_seconds())
    when = tr("{time:%Y-%m-%d %H:%M}, {age} ago", time=entry.time.astimezone(), age=age)
    yield f"{safe_line(kept.model.label.translated)} · {when}"
    yield f"{format_length(kept)} · {tr('RNG {seed}', seed=kept.rng_seed)}"
    changes = [(after, format_sampling(config)) for after, config in kept.sampling]
    for after, clamps in kept.clamps:
        cells = ", ".join(map(safe_line, clamps))
        changes.append((
            after,
            tr("clamped: {cells}", cells=cells) if clamps else tr("no cell is clamped"),
        ))
    for after, words in changes:
        if after:
            yield tr("from character {number:,}: {words}", number=after + 1, words=words)
        else:
            yield words
    if reason := why_no_replay(kept):
        yield tr("Cannot be generated again: {reason}.", reason=safe_line(tr(reason)))


def _format_result(entry: Entry, difference: int | None) -> str:
    """Return the note on a replay: identical, or the position of the first difference."""
    if difference is None:
        count = entry.generation.length
        return tr("Generated again: the same {count:,} characters.", count=count)
    return tr(
        "This differs from the stored text from character {number:,} on. Another machine may "
        "round differently.",
        number=difference + 1,
    )


def restored_clamps(kept: Generation, loaded: LoadedModel | None) -> ActiveClamps:
    """Return the clamps at the start of a text if its model is loaded, else none."""
    words = dict(kept.clamps).get(0, ())
    is_same = loaded is not None and kept.model.file == str(loaded.file and loaded.file.absolute())
    if loaded is None or not is_same or not words:
        return ActiveClamps()
    try:
        clamps = parse_clamps(words, loaded.model.config)
    except ConfigError:  # the file was replaced by a model of another shape
        return ActiveClamps()
    return ActiveClamps(clamps, identity_of(loaded.model))
