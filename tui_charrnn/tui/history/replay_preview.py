"""A text of the history that can be said again, before the eyes of its reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tui_charrnn.tui.history.preview import HistoryPreview
from tui_charrnn.tui.history.replay import HistoryReplay, ReplayBegan, ReplayEnded, ReplayFailed
from tui_charrnn.tui.messages import NoteWritten

if TYPE_CHECKING:
    from tui_charrnn.history.generation import Entry
    from tui_charrnn.tui.generation_settings import GenerationSettings

FRAME: Final = 1 / 20  # seconds between two looks at what has been said


class ReplayPreview(HistoryPreview):
    """Shows a text, and draws it as it comes while it is said again; tells of it in notes."""

    def __init__(self) -> None:
        super().__init__()
        self._replay: HistoryReplay | None = None
        self.has_told = False
        """Whether something was told about the text that is shown."""

    @property
    def is_speaking(self) -> bool:
        """Whether a text is being said again."""
        return self._replay is not None

    def on_mount(self) -> None:
        """Prepare the one timer that draws; it rests while nothing is said."""
        self._frames = self.set_interval(FRAME, self._draw_new, pause=True)

    def on_unmount(self) -> None:
        """Let the thread end."""
        self.stop()

    def show(self, entry: Entry | None) -> None:
        """Show a text as it is kept; none is said again any more."""
        self.stop()
        super().show(entry)
        self.has_told = False

    def say_again(self, entry: Entry, settings: GenerationSettings) -> None:
        """Have a text said again.

        Args:
            entry: The text.
            settings: Its pace is that of the studio.
        """
        self.stop()
        self._replay = HistoryReplay(entry, settings, self.post_message)
        self._tell("Looking for the model that said it …")

    def stop(self) -> None:
        """Say no more; what was said stays."""
        if self._replay is not None:
            self._replay.stop()
            self._replay = None
            self._frames.pause()
            self.text.streaming = False

    def on_replay_began(self, event: ReplayBegan) -> None:
        """Draw the seed text, and from now on what comes."""
        event.stop()
        if event.replay is self._replay:
            self.begin_again(event.read_text)
            self._frames.resume()
            self._tell("It is being said again; Esc stops it.")

    def on_replay_ended(self, event: ReplayEnded) -> None:
        """Draw the last characters, and say whether they are the same."""
        event.stop()
        if event.replay is not self._replay:
            return
        self._draw_new()
        self.stop()
        length = event.replay.entry.generation.length
        if event.difference is None:
            self._tell(f"Said again: the same {length:,} characters.")
        else:
            self._tell(
                f"This is not what was said then: it differs from character "
                f"{event.difference + 1:,} on. Another machine may round in another way.",
                is_problem=True,
            )

    def on_replay_failed(self, event: ReplayFailed) -> None:
        """Say why the text cannot be said again."""
        event.stop()
        if event.replay is self._replay:
            self.stop()
            self._tell(str(event.error), is_problem=True)

    def _draw_new(self) -> None:
        if self._replay is not None and (said := self._replay.take()):
            self.text.append(said, "generated")

    def _tell(self, sentence: str, *, is_problem: bool = False) -> None:
        self.has_told = True
        self.post_message(NoteWritten(sentence, is_problem=is_problem))
