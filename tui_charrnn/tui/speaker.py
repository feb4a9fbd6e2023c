"""Generates text in a thread, at a pace, into a buffer that the screen empties."""

from __future__ import annotations

import contextvars
import threading
import time
import unicodedata
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tui_charrnn.config import SamplingConfig
from tui_charrnn.tui.messages import SpeechBegan, SpeechEnded, SpeechFailed

if TYPE_CHECKING:
    from pathlib import Path

    from textual.message import Message

    from tui_charrnn.generation.stream import CharacterStream, SkippedCharacter
    from tui_charrnn.model.checkpoint import Model

PACES: Final[tuple[int | None, ...]] = (10, 30, 60, 120, 500, None)
"""Characters a second; None is as fast as it goes."""
DEFAULT_LENGTH: Final = 2_000
"""Characters after which a text pauses, to be gone on with."""
_LONGEST_LAG: Final = 0.1  # seconds; a longer stall is not made up for by a burst

Wait = Callable[[float], bool]
"""Waits for a number of seconds and says whether to give up."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A model that is ready to speak."""

    model: Model
    label: str
    """For the title, safe to show."""
    note: str = ""
    """Why it is not quite what was asked for; safe to show."""
    file: Path | None = None
    """Where its weights were read from."""
    mark: tuple[int, int, int] | None = None
    """Time, inode and size of that file, as it was read."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How a text begins."""

    voice: Voice
    """Whose weights speak."""
    seed_text: str
    """Composed (Unicode NFC), with the unknown characters still in it."""
    read_text: str
    """What the model read of it."""
    skipped: tuple[SkippedCharacter, ...]
    """The unknown characters, by their position in it."""
    rng_seed: int

    @property
    def label(self) -> str:
        """Whose weights speak, safe to show."""
        return self.voice.label

    @property
    def vocabulary(self) -> str:
        """All characters that the model knows."""
        return self.voice.model.vocabulary.characters


@dataclass(frozen=True, slots=True)
class Utterance:
    """What was said so far, and all that it came from."""

    opening: Opening
    generated: str
    """What came after the seed text."""
    sampling: tuple[tuple[int, SamplingConfig], ...]
    """How it was chosen: settings, and the number of characters after which they held."""

    @property
    def text(self) -> str:
        """What the model read of the seed text, and what it said."""
        return self.opening.read_text + self.generated


class Dial:
    """What can be changed while a text streams; read by the thread at every character."""

    def __init__(self) -> None:
        self.sampling = SamplingConfig()
        self.pace: int | None = 60
        self.length = DEFAULT_LENGTH

    def turn_pace(self) -> None:
        """Go on to the next pace, and from the fastest to the slowest."""
        now = self.pace
        faster = [pace for pace in PACES if now is not None and (pace is None or pace > now)]
        self.pace = (faster or PACES)[0]

    @property
    def pace_words(self) -> str:
        """The pace for people."""
        return "as fast as it goes" if self.pace is None else f"{self.pace} ch/s"


class Speech:
    """One text: from its seed to its end, and on from there.

    The thread is a daemon of its own and not a worker of Textual's: those are joined when the loop
    closes, and a file on a dead network drive would then keep the app from leaving.
    """

    def __init__(
        self,
        prepare: Callable[[Wait], Voice],
        seed_text: str | None,
        dial: Dial,
        announce: Callable[[Message], object],
    ) -> None:
        """Name what is to be said; `begin` says it.

        Args:
            prepare: Finds and loads a model; called in the thread.
            seed_text: What the text begins with; None takes one that suits the model.
            dial: Sampling and pace, read at every character.
            announce: Posts a message to the screen; safe to call from any thread.
        """
        self._prepare = prepare
        self._seed_text = seed_text
        self._dial = dial
        self._announce = announce
        self._stopping = threading.Event()
        self._characters: deque[str] = deque()
        self._stream: CharacterStream | None = None
        self._opening: Opening | None = None
        self._taken: list[str] = []
        self._spoken = 0
        """Characters that were generated; counted by the thread."""
        self._sampling: list[tuple[int, SamplingConfig]] = []
        """What was set, and after how many characters."""
        self.is_active = False
        """Whether characters may still come; changed on the screen's side only."""

    def begin(self) -> None:
        """Find the model, read the seed and speak."""
        self._run(self._begin)

    def go_on(self) -> bool:
        """Speak on from the state where it stopped; False if there is none."""
        if self._stream is None or self.is_active:
            return False
        self._run(self._speak)
        return True

    def stop(self) -> None:
        """Say no more; what was said stays."""
        self._stopping.set()

    def take(self) -> str:
        """The characters that are new since the last call."""
        taken = []
        while self._characters:
            taken.append(self._characters.popleft())
        text = "".join(taken)
        if text:
            self._taken.append(text)
        return text

    def utterance(self) -> Utterance | None:
        """All that was taken so far, and what it came from; None before it began."""
        if self._opening is None:
            return None
        generated = "".join(self._taken)
        return Utterance(self._opening, generated, in_effect(self._sampling, len(generated)))

    def _run(self, work: Callable[[threading.Event], None]) -> None:
        self._stopping = threading.Event()  # an old thread keeps the event that stopped it
        self.is_active = True
        # in the context of the app, whose keys the sentences name
        target, args = contextvars.copy_context().run, (self._guard, work, self._stopping)
        threading.Thread(target=target, args=args, daemon=True).start()

    def _guard(self, work: Callable[[threading.Event], None], stopping: threading.Event) -> None:
        try:
            work(stopping)
        except Exception as error:  # noqa: BLE001 - the screen shows it, or crashes by it
            self._announce(SpeechFailed(self, error))
        else:
            self._announce(SpeechEnded(self, was_stopped=stopping.is_set()))

    def _begin(self, stopping: threading.Event) -> None:
        voice = self._prepare(stopping.wait)
        if stopping.is_set():
            return
        # deferred: NumPy, 0.2 s that the first frame does not wait for
        from tui_charrnn.generation.stream import CharacterStream  # noqa: PLC0415 - as said

        seed_text = default_seed(voice.model) if self._seed_text is None else self._seed_text
        stream = CharacterStream(voice.model, self._dial.sampling)
        primed = stream.prime(seed_text, stopping.is_set)
        if stopping.is_set():
            return
        self._stream = stream
        self._sampling.append((0, stream.sampling))
        self._opening = Opening(
            voice=voice,
            seed_text=unicodedata.normalize("NFC", seed_text),
            read_text=primed.text,
            skipped=primed.skipped,
            rng_seed=stream.rng_seed,
        )
        self._announce(SpeechBegan(self, self._opening))
        self._speak(stopping)

    def _speak(self, stopping: threading.Event) -> None:
        stream = self._stream
        if stream is None:
            return
        due = time.monotonic()
        for _ in range(self._dial.length):
            if stream.sampling is not self._dial.sampling:
                stream.sampling = self._dial.sampling
                self._sampling.append((self._spoken, stream.sampling))
            self._characters.append(stream.next().character)
            self._spoken += 1
            pace, now = self._dial.pace, time.monotonic()
            due = now if pace is None else max(due, now - _LONGEST_LAG) + 1 / pace
            if stopping.wait(max(0.0, due - now)):
                return


def in_effect(
    changes: Sequence[tuple[int, SamplingConfig]], length: int
) -> tuple[tuple[int, SamplingConfig], ...]:
    """The settings that chose a character at least, each with the characters before it.

    Args:
        changes: Settings, and after how many characters each was set, ascending from 0.
        length: How many characters there are.
    """
    last_set = {after: used for after, used in changes if after < max(length, 1)}
    kept: list[tuple[int, SamplingConfig]] = []
    for after, used in last_set.items():
        if not kept or kept[-1][1] != used:
            kept.append((after, used))
    return tuple(kept)


def default_seed(model: Model) -> str:
    """A seed text that suits a model: a speaker's name for Shakespeare, else nothing."""
    name = str(model.corpus.get("name", "")).casefold()
    return "ROMEO:" if "shakespeare" in name else ""
