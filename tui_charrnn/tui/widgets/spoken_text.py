"""The text that a model says: takes what a `Speech` generates, twenty times a second."""

import itertools
from collections.abc import Callable
from typing import Final

from textual.content import Content

from tui_charrnn.errors import CharRNNError
from tui_charrnn.tui.keymap import key_words
from tui_charrnn.tui.messages import NoteWritten, SpeechBegan, SpeechEnded, SpeechFailed
from tui_charrnn.tui.speaker import Dial, Opening, Speech, Voice, Wait
from tui_charrnn.tui.widgets.kept_speech import KeptSpeech

FRAME: Final = 1 / 20  # seconds between two looks at what has been generated
_NAMED: Final = 4
"""Unknown characters that are named before the rest is only counted."""


class SpokenText(KeptSpeech):
    """Shows one speech after another; says what there is to say about them in `NoteWritten`."""

    def __init__(self, dial: Dial) -> None:
        super().__init__(id="spoken-text")
        self._dial = dial
        self._opening: Opening | None = None

    def on_mount(self) -> None:
        """Prepare the one timer that draws; it rests while nothing streams."""
        self._frames = self.set_interval(FRAME, self._draw_new, pause=True)
        self.show_title()

    def on_unmount(self) -> None:
        """Let the thread end."""
        self.stop()

    def speak(self, prepare: Callable[[Wait], Voice], seed_text: str | None) -> None:
        """Answer a seed text; what was being said is broken off and stays.

        Args:
            prepare: Finds and loads a model; called in a thread.
            seed_text: What the text begins with; None takes one that suits the model.
        """
        self._draw_new()
        self.stop()
        self.drop_cursor()
        self.follows_end = True
        self.speech = Speech(prepare, seed_text, self._dial, self.post_message)
        self.speech.begin()

    def stop(self) -> None:
        """Say no more; the text stays."""
        if self.speech is not None and self.speech.is_active:
            self.speech.stop()

    def go_on(self) -> bool:
        """Continue from the state where the text stopped; False if there is nothing to continue."""
        if self.speech is None or not self.speech.go_on():
            return False
        self.streaming = True
        return True

    def show_title(self) -> None:
        """Say above the text who speaks, and how."""
        parts = [f"temperature {self._dial.sampling.temperature:.1f}", self._dial.pace_words]
        if self._opening is not None:
            parts = [self._opening.label, *parts, f"RNG {self._opening.rng_seed}"]
        self.border_title = Content(" · ".join(parts))

    def on_speech_began(self, event: SpeechBegan) -> None:
        """Write the seed text down and draw what follows."""
        if event.speech is not self.speech:
            return
        self._opening = opening = event.opening
        if self.text:
            self.append("\n\n", "note")
        unknown = {lost.position for lost in opening.skipped}
        for is_unknown, group in itertools.groupby(
            enumerate(opening.seed_text), lambda place: place[0] in unknown
        ):
            self.append("".join(c for _, c in group), "skipped" if is_unknown else "seed")
        self.show_title()
        self.post_message(NoteWritten(_opening_words(opening), is_problem=bool(opening.skipped)))
        self.streaming = True
        self.call_after_refresh(self._draw_new)  # the first characters do not wait for the timer

    def on_speech_ended(self, event: SpeechEnded) -> None:
        """Draw the last characters and rest."""
        event.speech.is_active = False
        if event.speech is self.speech:
            self._draw_new()
            self.streaming = False
            end = "Stopped." if event.was_stopped else f"{self._dial.length:,} characters."
            self.post_message(
                NoteWritten(f"{end} {key_words('text.more')} goes on, Enter begins anew.")
            )

    def on_speech_failed(self, event: SpeechFailed) -> None:
        """Say why nothing is said.

        Raises:
            Exception: If it is a defect of the program; the app closes by it.
        """
        event.speech.is_active = False
        if not isinstance(event.error, CharRNNError | OSError):
            raise event.error
        if event.speech is self.speech:
            self._draw_new()
            self.streaming = False
            self.post_message(NoteWritten(str(event.error), is_problem=True))

    def watch_streaming(self) -> None:
        """Look for new characters only while there may be some."""
        super().watch_streaming()
        (self._frames.resume if self.streaming else self._frames.pause)()

    def _draw_new(self) -> None:
        if self.speech is not None and (said := self.speech.take()):
            self.append(said, "generated")


def _opening_words(opening: Opening) -> str:
    """What there is to say when a text begins; empty if all is as expected."""
    characters = dict.fromkeys(lost.character for lost in opening.skipped)
    if not characters:
        return opening.voice.note
    named = ", ".join(f"{c} (U+{ord(c):04X})" for c in itertools.islice(characters, _NAMED))
    more = f" and {len(characters) - _NAMED} more" if len(characters) > _NAMED else ""
    return f"Left out, because the model has never seen it: {named}{more}."
