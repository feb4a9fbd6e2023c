"""The seed box of the main screen, which remembers seeds from one session to the next."""

from pathlib import Path
from typing import Final

from textual.message import Message

from tui_charrnn import lazy
from tui_charrnn.errors import CharRNNError, reason_of
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.messages import NoteWritten
from tui_charrnn.tui.text.seed_history import SeedHistory
from tui_charrnn.tui.text.seed_input import SeedInput
from tui_charrnn.user_folders import state_folder

_FILE: Final = "seeds.jsonl"


class SeedsRead(Message):
    """The seeds of earlier sessions are known."""

    def __init__(self, seeds: list[str]) -> None:
        self.seeds = seeds
        super().__init__()


class SeedFileRead(Message):
    """The end of a file is to be the seed text."""

    def __init__(self, text: str, lost: int) -> None:
        self.text = text
        self.lost = lost
        """Characters before it."""
        super().__init__()


class SeedsRefused(Message):
    """The disk does not let seeds be read or kept."""

    def __init__(self, error: OSError) -> None:
        self.error = error
        super().__init__()


class SeedBox(SeedInput):
    """Keeps what was submitted in a file of the user's; works all the same if it cannot."""

    _has_complained = False

    def __init__(self, *, placeholder: str = "", remembers: bool = True) -> None:
        """Start empty.

        Args:
            placeholder: What an empty box shows.
            remembers: Whether seeds are kept from one session to the next, and found again.
        """
        super().__init__(placeholder=placeholder)
        self._history = SeedHistory(state_folder() / _FILE) if remembers else None

    def on_mount(self) -> None:
        """Read what was submitted before, once the box is there to type into."""
        if self._history is not None:
            self.call_after_refresh(self._read_seeds, self._history)

    def on_seeds_read(self, event: SeedsRead) -> None:
        """Let the arrows reach further back."""
        event.stop()
        self.put_before(event.seeds)

    def on_seeds_refused(self, event: SeedsRefused) -> None:
        """Say once that seeds are not kept; the line of notes is about the text and moves on."""
        event.stop()
        if not self._has_complained:
            self._has_complained = True
            reason = f"{reason_of(event.error)} ({event.error.filename})"
            sentence = tr(
                "Seeds are remembered until you leave, not longer: {reason}.", reason=reason
            )
            self.notify(safe_line(sentence), severity="warning", markup=False)

    def on_seed_input_shortened(self, event: SeedInput.Shortened) -> None:
        """Say that something was left out."""
        event.stop()
        self._tell_lost(event.lost)

    def on_seed_file_read(self, event: SeedFileRead) -> None:
        """Generate from it."""
        event.stop()
        self.load_text(event.text)
        self.action_submit()
        if event.lost:
            self.call_after_refresh(self._tell_lost, event.lost)

    def open_file(self, path: Path) -> None:
        """Have the end of a file read in a thread, and generate from it."""

        def read(_: BackgroundTask) -> None:
            try:
                message: Message = SeedFileRead(*lazy.end_of_file(path, self.LONGEST))
            except CharRNNError as error:
                message = NoteWritten(str(error), is_problem=True)
            self.post_message(message)

        BackgroundTask("seed-file", read)

    def _tell_lost(self, count: int) -> None:
        """Say what was left out: the state of a model depends on what it read last."""
        self.post_message(
            NoteWritten(
                tr(
                    "The seed is the last {count:,} characters, which the state depends on; "
                    "{lost:,} before them were left out.",
                    count=self.LONGEST,
                    lost=count,
                ),
                is_problem=True,
            )
        )

    def action_submit(self) -> None:
        """Post the text, and remember it, also for the next time."""
        newest = self.submitted_seeds[-1:]
        super().action_submit()
        history = self._history
        if history is not None and self.submitted_seeds[-1:] != newest:
            seed = self.submitted_seeds[-1]
            BackgroundTask("seed-history", lambda _: self._add(history, seed))

    def _read_seeds(self, history: SeedHistory) -> None:
        BackgroundTask("seed-history", lambda _: self._read(history))

    def _read(self, history: SeedHistory) -> None:
        """Read the file, in a thread."""
        try:
            seeds = history.read()
        except OSError as error:
            self.post_message(SeedsRefused(error))
        else:
            self.post_message(SeedsRead(seeds))

    def _add(self, history: SeedHistory, seed: str) -> None:
        """Write a seed down, in a thread."""
        try:
            history.add(seed)
        except OSError as error:
            self.post_message(SeedsRefused(error))
