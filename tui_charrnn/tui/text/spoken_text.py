"""The text that a model says: takes what a `GenerationThread` generates, twenty times a second."""

import itertools
from collections.abc import Callable
from typing import Final

from tui_charrnn.errors import CharRNNError
from tui_charrnn.tui.generation_settings import ActiveClamps, GenerationSettings
from tui_charrnn.tui.keys.keymap import key_label
from tui_charrnn.tui.messages import (
    BranchStarted,
    GenerationEnded,
    GenerationFailed,
    GenerationStarted,
    NoteWritten,
)
from tui_charrnn.tui.text.external_text import ExternalText
from tui_charrnn.tui.text.generation_result import Opening
from tui_charrnn.tui.text.generation_thread import GenerationThread, LoadedModel, Recording, Wait
from tui_charrnn.tui.text.remembered_speech import RememberedSpeech

FRAME: Final = 1 / 20  # seconds between two looks at what has been generated
_READABLE: Final = 500
"""Characters a second; of what comes faster, every other frame is drawn, for half the cost."""
_NAMED: Final = 4
"""Unknown characters that are named before the rest is only counted."""


class SpokenText(RememberedSpeech):
    """Shows one speech after another; says what there is to say about them in `NoteWritten`."""

    def __init__(self, settings: GenerationSettings) -> None:
        super().__init__(settings)
        self._before: GenerationThread | None = None
        """What was said before, until another text has begun."""
        self._leaves_out = False
        """Whether the last frame was left out."""

    @property
    def is_opening(self) -> bool:
        """Whether a model is being found, or reads what the text begins with."""
        return (
            self.generation is not None
            and self.generation.is_active
            and self.generation.tape is None
        )

    def on_mount(self) -> None:
        """Prepare the one timer that draws; it rests while nothing streams."""
        self._frames = self.set_interval(FRAME, self._draw_frame, pause=True)
        self.show_title()

    def on_unmount(self) -> None:
        """Let the thread end."""
        self.stop()

    def speak(
        self,
        prepare: Callable[[Wait], LoadedModel | Recording | ExternalText],
        seed_text: str | None,
    ) -> None:
        """Answer a seed text, open a tape, have a text read; what is being said is broken off.

        Args:
            prepare: Finds and loads a model, alone or with a tape or a text; called in a thread.
            seed_text: What the text begins with; None takes one that suits the model.
        """
        self.draw_new()
        self.stop()
        self.drop_cursor()
        self.follows_end = True
        if self.at is not None:
            self.at = 0, 0  # the only place that every tape has
        if self.generation is not None and self.generation.tape is not None:
            self._before = self.generation
        self.generation = GenerationThread(prepare, seed_text, self._settings, self.post_message)
        self.generation.begin()

    def on_generation_started(self, event: GenerationStarted) -> None:
        """Write the seed text down and draw what follows."""
        if event.generation is not self.generation:
            return
        generation, opening, self._before = event.generation, event.opening, None
        self.show_opening(opening)
        if opening.is_recorded:
            self.take_settings(generation)
        about = _opening_words(opening), self._heed_model(generation), self.remember(generation)
        words = " ".join(filter(None, about))
        self.show_title()
        self.post_message(NoteWritten(words, is_problem=bool(opening.skipped)))
        self.streaming = True
        self.draw_new()  # the first characters stand in one frame with the seed text,
        self.call_after_refresh(self.draw_new)  # and the next do not wait for the timer

    def on_branch_started(self, event: BranchStarted) -> None:
        """Show the continuation that is being said."""
        event.stop()
        if event.generation is self.generation and event.turn == event.generation.turn:
            self.show_branch(event.branch)
            self.lead()

    def on_generation_ended(self, event: GenerationEnded) -> None:
        """Draw the last characters and rest."""
        was_streaming = self.streaming  # else it was broken off for one that has failed meanwhile
        if not self._has_ended(event):
            return
        if event.generation.tape is None:
            self._take_back()
            self.post_message(NoteWritten("Stopped before the text began."))
        elif was_streaming:
            end = "Stopped." if event.was_stopped else f"{self._settings.length:,} characters."
            if event.turn == 1 and self._opening is not None:
                end = _first_words(event.generation, self._opening) or end
            self.post_message(NoteWritten(f"{end} {_next_words(is_back=self.at is not None)}"))

    def on_generation_failed(self, event: GenerationFailed) -> None:
        """Say why nothing is said.

        Raises:
            Exception: If it is a defect of the program; the app closes by it.
        """
        if not isinstance(event.error, CharRNNError | OSError):
            raise event.error
        if self._has_ended(event):
            self.post_message(NoteWritten(str(event.error), is_problem=True))
            if event.generation.tape is None:
                self._take_back()

    def watch_streaming(self) -> None:
        """Look for new characters only while there may be some."""
        super().watch_streaming()
        (self._frames.resume if self.streaming else self._frames.pause)()

    def _take_back(self) -> None:
        """Return to what was said before a text that has not begun: it is still what is shown."""
        if self._before is not None:
            self.generation = self._before
            self.point(None if self.at is None else self.shown)

    def _heed_model(self, generation: GenerationThread) -> str:
        """Hold no more what was held of another model; say so then."""
        held, tape = self._settings.held, generation.tape
        if tape is None or not held.clamps or held.of(tape.stream.model):
            return ""
        self._settings.held = ActiveClamps()
        return "Another model speaks, so no cell is held any more."

    def _draw_frame(self) -> None:
        """Draw what came since the last frame, or leave it to the next one."""
        speed = self._settings.speed
        self._leaves_out = not self._leaves_out and (speed is None or speed > _READABLE)
        if not self._leaves_out:
            self.draw_new()

    def _has_ended(self, event: GenerationEnded | GenerationFailed) -> bool:
        """Whether it is what is shown that ended, and not only one turn of it."""
        if event.turn != event.generation.turn:
            return False
        event.generation.is_active = False
        if event.generation is not self.generation:
            return False
        self.draw_new()
        self.streaming = False
        return True


def _first_words(generation: GenerationThread, opening: Opening) -> str:
    """What there is to say when a tape was opened or a text was read; empty if neither was."""
    if opening.is_recorded:
        return "The tape is open."
    return f"{generation.read_words} {_opening_words(opening)}".strip() if opening.given else ""


def _opening_words(opening: Opening) -> str:
    """What there is to say when a text begins; empty if all is as expected."""
    characters = dict.fromkeys(lost.character for lost in opening.skipped)
    if not characters:
        return opening.loaded.note
    named = ", ".join(f"{c} (U+{ord(c):04X})" for c in itertools.islice(characters, _NAMED))
    more = f" and {len(characters) - _NAMED} more" if len(characters) > _NAMED else ""
    return f"Left out, because the model has never seen it: {named}{more}."


def _next_words(*, is_back: bool) -> str:
    """What can be done with a text that has ended.

    Args:
        is_back: Whether one goes back over it just now.
    """
    if is_back:
        return f"{key_label('tape.play')} goes on."
    more, back = key_label("text.more"), key_label("pane.text")
    return f"{more} goes on, {back} goes back over it, Enter begins anew."
