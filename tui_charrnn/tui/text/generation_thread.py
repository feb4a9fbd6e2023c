"""Generates text in a thread, at a chosen speed, into a buffer that the screen empties."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from textual.message import Message

from tui_charrnn import lazy
from tui_charrnn.hangul import INITIALS
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.messages import NoteWritten

if TYPE_CHECKING:
    from tui_charrnn.generation.tape import Tape, TapePosition
    from tui_charrnn.tui.session import GenerationSettings
    from tui_charrnn.tui.text.external_text import ExternalText, Recording
    from tui_charrnn.tui.text.model_loader import LoadedModel, Wait
    from tui_charrnn.tui.text.tape_start import GenerationResult, Opening

_SHORTEST_PAUSE: Final = 0.01  # seconds; waking up takes as long as generating a character
_UNSEEN: Final = 4  # blank characters that a text begins with at once
_MAKES_WAY: Final = 0.002  # seconds between two characters while another thread reads the tape

Prepare = Callable[["Wait"], "LoadedModel | Recording | ExternalText"]
"""Finds and loads a model, alone or with a tape or a text that it is to read; may wait."""


class Fork(NamedTuple):
    """From where a text continues, and how."""

    branch: int
    """The number of the branch that is left, or continued at its end."""
    position: int
    """How many of its characters stay."""
    taken: tuple[int, ...] = ()
    """The numbers of the characters that come first, in the vocabulary."""
    is_redrawn: bool = False
    """Whether other random numbers decide from here on."""


@dataclass
class GenerationMessage(Message):
    """What a generation thread posts."""

    generation: GenerationThread


@dataclass
class GenerationStarted(GenerationMessage):
    """A model is loaded and has read the seed text; characters follow."""

    opening: Opening


@dataclass
class GenerationEnded(GenerationMessage):
    """No more characters come, after the length or because it was stopped."""

    turn: int
    """Which `turn` of the thread it was; another one may have begun since."""
    was_stopped: bool


@dataclass
class GenerationFailed(GenerationMessage):
    """A text could not be begun or continued."""

    error: Exception
    turn: int


@dataclass
class BranchStarted(GenerationMessage):
    """A text continues from a place of the tape, in a branch that may be new."""

    branch: int
    turn: int


class GenerationThread:
    """One text with all its continuations: from its seed to any end, and on from there.

    The thread is a daemon of its own and not a worker of Textual's: those are joined when the loop
    closes, and a file on a dead network drive would then keep the app from leaving.
    """

    def __init__(
        self,
        prepare: Prepare,
        seed_text: str | None,
        settings: GenerationSettings,
        announce: Callable[[Message], object],
    ) -> None:
        """Prepare; `begin` starts the thread.

        Args:
            prepare: Called in the thread.
            seed_text: What the text begins with; None takes one that suits the model, and a tape
                has its own.
            settings: Sampling and speed, read at every character.
            announce: Posts a message to the screen; safe to call from any thread.
        """
        self.tape: Tape | None = None
        """All that was generated; its stream belongs to the thread."""
        self.began = datetime.now()
        """In local time."""
        self.opening: Opening | None = None
        """How it began."""
        self.branch = 0
        """The number of the branch in sight."""
        self.shown = 0
        """How many of its characters were taken."""
        self.listener: Callable[[Tape], object] = ignore
        """Called with every character just after it was generated, in the thread."""
        self._lookers = 0
        """How many look at a place of the tape now."""
        self._prepare = prepare
        self._seed_text = seed_text
        self._settings = settings
        self._announce = announce
        self._task: BackgroundTask | None = None
        self._applied, self._held = settings.sampling, settings.held
        """What was set when it was last looked at."""
        self.turn = 0
        """How often the thread was started; changed on the screen's side only."""
        self.is_active = False
        """Whether characters may still come; changed on the screen's side only."""
        self.read_words = ""
        """A sentence about a text that was read, once it was."""

    def begin(self) -> None:
        """Find the model, read the seed and generate; or read a tape or a text, and wait."""
        self._run(lambda task, _: self._begin(task))

    def resume(self) -> bool:
        """Continue at the end of the branch in sight; False if there is nothing, or it is going."""
        if self.tape is None or self.is_active:
            return False
        self.branch_off(Fork(self.branch, self.length))
        return True

    def branch_off(self, fork: Fork) -> None:
        """Continue from any place, with the state of that place; posts `BranchStarted`.

        What is being generated stops, and stays on the tape.
        """
        before = self._task
        self.stop()
        self._run(lambda task, turn: self._branch_off(task, turn, before, fork))

    def stop(self) -> None:
        """Generate no more; what was generated stays."""
        if self._task is not None:
            self._task.cancel()

    @property
    def length(self) -> int:
        """Characters of the continuation in sight, taken or not."""
        return 0 if self.tape is None else self.tape.tree.branches[self.branch].length

    def take(self) -> str:
        """The characters of the continuation in sight that are new since the last call."""
        if self.tape is None:
            return ""
        start, self.shown = self.shown, self.length
        return self.tape.text(self.branch, start, self.shown)

    def result(self) -> GenerationResult | None:
        """All that was taken of the continuation in sight; None before it began."""
        if self.tape is None or self.opening is None:
            return None
        return lazy.result_of(self.opening, self.tape, self.branch, self.shown)

    def moment(self, number: int, position: int) -> TapePosition | None:
        """What was known at a place; None if there is no such place.

        To be called in a thread that may wait. The generating thread pauses meanwhile: a lock that
        another thread takes again and again is hard to get.

        Args:
            number: A branch.
            position: How many characters come before.
        """
        if self.tape is None:
            return None
        self._lookers += 1
        try:
            return self.tape.moment(position, number)
        except IndexError:
            return None
        finally:
            self._lookers -= 1

    def _run(self, work: Callable[[BackgroundTask, int], None]) -> None:
        """Generate in a thread; `work` gets the task that it is, and its turn."""
        self.turn = turn = self.turn + 1
        self.is_active = True

        def guarded(task: BackgroundTask) -> None:
            try:
                work(task, turn)
            except Exception as error:  # noqa: BLE001 - the screen shows it, or crashes by it
                self._announce(GenerationFailed(self, error, turn))
            else:
                self._announce(GenerationEnded(self, turn, task.is_cancelled))

        self._task = BackgroundTask("generation", guarded)

    def _begin(self, task: BackgroundTask) -> None:
        prepared = self._prepare(task.gives_up)
        if task.is_cancelled:
            return
        self._applied, self._held = self._settings.sampling, self._settings.held
        tape, opening = lazy.start_tape(
            prepared, self._seed_text, self._applied, self._held, lambda: task.is_cancelled
        )
        if task.is_cancelled:
            return
        self.branch, self.shown = tape.branch.number, 0
        self.opening, self.tape = opening, tape
        is_generated, generated = opening.external is None and not opening.is_recorded, ""
        try:
            if is_generated:
                generated = self._generate_first(tape)
        finally:
            self._announce(GenerationStarted(self, opening))
        if opening.external is not None:
            self.read_words = opening.external.read_onto(
                tape,
                lambda: task.is_cancelled,
                on_character=lambda: self.listener(tape),
                tell=lambda words: self._announce(NoteWritten(words, lasts=True)),
            )
        elif is_generated:
            self._generate(tape, task, generated)

    def _branch_off(
        self, task: BackgroundTask, turn: int, before: BackgroundTask | None, fork: Fork
    ) -> None:
        if before is not None:
            before.join()
        tape = self.tape
        if tape is None or task.is_cancelled:
            return
        if (tape.branch.number, tape.position) != (fork.branch, fork.position):
            tape.rewind(fork.position, fork.branch)
        if fork.is_redrawn:
            tape.stream.redraw()
        self._apply_settings(tape)
        for index in fork.taken:
            tape.take(index)
        if tape.position < tape.branch.length:
            tape.next()  # a branch is there from its first own character on
        self._announce(BranchStarted(self, tape.branch.number, turn))
        self._generate(tape, task)

    def _generate_first(self, tape: Tape) -> str:
        """Generate until there is something to see, which is drawn in one frame with the seed text.

        The name of a speaker is followed by a line feed, and what comes behind it would wait for
        the next frame.
        """
        generated = ""
        while not generated.strip() and len(generated) < min(_UNSEEN, self._settings.length):
            generated += tape.next().character
            if tape.stream.is_complete or tape.stream.is_between_records:
                break
        return generated

    def _generate(self, tape: Tape, task: BackgroundTask, generated: str = "") -> None:
        """Generate up to the set length; a syllable of jamo gets its vowel."""
        newest, due = generated[-1:], time.monotonic()
        for place in range(len(generated), self._settings.length):
            self._apply_settings(tape)
            # at the end of a record, a request for more asks for another one
            if tape.stream.is_complete or (place and tape.stream.is_between_records):
                break
            newest = tape.next().character
            self.listener(tape)
            now = time.monotonic()
            due = self._settings.next_due(due, now)
            pause = due - now if due - now >= _SHORTEST_PAUSE else 0.0  # the next is longer then
            pause = max(pause, _MAKES_WAY if self._lookers else 0.0)
            if task.gives_up(pause) if pause else task.is_cancelled:
                break
        if newest in INITIALS:
            tape.next()
            self.listener(tape)

    def _apply_settings(self, tape: Tape) -> None:
        """Take over what was set meanwhile."""
        sampling, held = self._settings.sampling, self._settings.held
        if held is not self._held:
            self._held = held
            tape.stream.clamps = held.of(tape.stream.model)
        if sampling is self._applied:
            return
        self._applied = sampling
        if sampling.rng_seed not in {None, tape.stream.rng_seed}:
            # it named the random numbers of the beginning; other ones were taken since
            sampling = dataclasses.replace(sampling, rng_seed=None)
        tape.stream.sampling = sampling


def ignore(_: Tape) -> None:
    """Listen to nothing."""
