"""What was said: kept in the history as it ends, and taken back from there into the studio."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from textual.screen import Screen

from tui_charrnn.tui.history.clamps import held_again
from tui_charrnn.tui.messages import GenerationEnded, NoteWritten
from tui_charrnn.tui.text.seed_history import LONGEST_SEED

if TYPE_CHECKING:
    from tui_charrnn.errors import HistoryError
    from tui_charrnn.history.generation import Entry
    from tui_charrnn.tui.history.recorder import HistoryRecorder
    from tui_charrnn.tui.session import Session
    from tui_charrnn.tui.text.spoken_text import SpokenText
    from tui_charrnn.tui.text.text_pane import TextPane


class Recalling(Screen[None]):
    """A screen with a conversation that is kept in the history."""

    _recorder: HistoryRecorder | None = None
    _recorded: SpokenText | None = None

    if TYPE_CHECKING:  # what the screen has
        session: Session
        text_pane: TextPane

        def tell(self, sentence: str, *, is_problem: bool = False) -> None:
            """Say something in the line below the panes."""

        def action_show(self, pane: str) -> None:
            """Open a pane and give it the focus."""

    def action_history(self) -> None:
        """Look through what was said."""
        # deferred: the history, which the first frame does not wait for
        from tui_charrnn.tui.history.screen import HistoryScreen  # noqa: PLC0415 - as said

        self.app.push_screen(HistoryScreen(self.session), self.take_back)

    def take_back(self, entry: Entry | None) -> None:
        """Have the seed text and the settings of a text again; its RNG seed stays with it."""
        if entry is None:
            return
        said, settings, seed = entry.generation, self.session.settings, self.text_pane.seed
        rng_seed = settings.sampling.rng_seed
        self.text_pane.close_tape()
        settings.sampling = dataclasses.replace(said.sampling[0][1], rng_seed=rng_seed)
        generation = self.text_pane.spoken.generation
        opening = generation.opening if generation is not None else None
        settings.held = held_again(said, opening.loaded if opening is not None else None)
        self.text_pane.spoken.show_title()
        seed.load_text(said.seed_text[:LONGEST_SEED])
        seed.move_cursor(seed.document.end)
        self.action_show("text")
        words = f"Seed and settings of a text by {said.model.label} are back; Enter speaks."
        # once the seed box has its height: a text that follows its end again says so
        self.call_after_refresh(self.call_after_refresh, self.tell, words)

    def on_mount(self) -> None:
        """Know whose text is to be kept in the end, when nothing can be looked up any more."""
        self._recorded = self.text_pane.spoken

    def on_generation_ended(self, event: GenerationEnded) -> None:
        """Keep what was said."""
        self._recording().record(event.generation)

    def on_unmount(self) -> None:
        """Keep what was being said when the app was left."""
        if self._recorded is not None and self._recorded.generation is not None:
            self._recording().record(self._recorded.generation)
        if self._recorder is not None:
            self._recorder.finish()

    def _recording(self) -> HistoryRecorder:
        # deferred: the database, which the first frame does not wait for
        from tui_charrnn.history.store import History  # noqa: PLC0415 - as said
        from tui_charrnn.tui.history.recorder import HistoryRecorder  # noqa: PLC0415 - as said

        if self._recorder is None:
            history = History() if self.session.preferences.history else None
            self._recorder = HistoryRecorder(self._complain, history)
        return self._recorder

    def _complain(self, error: HistoryError) -> None:
        self.post_message(NoteWritten(f"The text was not kept: {error}", is_problem=True))
