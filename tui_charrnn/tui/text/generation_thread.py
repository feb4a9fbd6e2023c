"""Generates text in a thread, at the set speed, onto a tape that the screen polls."""

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
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask

if TYPE_CHECKING:
    from tui_charrnn.config import SamplingConfig
    from tui_charrnn.generation.tape import Tape, TapePosition
    from tui_charrnn.tui.session import ActiveClamps, GenerationSettings
    from tui_charrnn.tui.text.tape_start import GenerationResult, Opening

_SHORTEST_PAUSE: Final = 0.01  # seconds; waking up takes as long as generating a character
_MOST_LEADING: Final = 4  # most leading characters generated before the first frame
_READER_PAUSE: Final = 0.002  # seconds between two characters while another thread reads the tape

Start = Callable[["GenerationSettings", BackgroundTask], "Opening"]
"""Loads a model and returns an opening, such as `start_tape`; may block."""


class Fork(NamedTuple):
    """Where a branch starts, and how it continues."""

    branch: int
    """Number of the branch to fork from, or to continue at its end."""
    position: int
    """How many of its characters are kept."""
    taken: tuple[int, ...] = ()
    """Vocabulary indices of the first characters of the new branch."""
    is_redrawn: bool = False
    """Whether sampling continues with new random numbers."""


@dataclass
class GenerationMessage(Message):
    """Base of the messages that a generation thread posts."""

    generation: GenerationThread
    task: BackgroundTask
    """The task that posted it; a later one may have started since."""

    @property
    def is_newest(self) -> bool:
        """Whether the thread has not been started again since."""
        return self.task is self.generation.task


@dataclass
class GenerationStarted(GenerationMessage):
    """The model is loaded and has read the seed text; generation starts."""

    opening: Opening


@dataclass
class GenerationEnded(GenerationMessage):
    """Generation has ended: at the set length, or because it was stopped."""

    was_stopped: bool
    summary: str
    """What was read, if a tape or an external text was; else empty."""


@dataclass
class GenerationFailed(GenerationMessage):
    """A text could not be started or continued."""

    error: Exception


@dataclass
class BranchStarted(GenerationMessage):
    """Generation continues from a position of the tape, on a new or an existing branch."""

    branch: int


class GenerationThread:
    """Generates one text and all its branches.

    It is a daemon thread, not a Textual worker: workers are joined when the loop closes, so a file
    on a dead network drive would keep the app from exiting.
    """

    def __init__(self, settings: GenerationSettings, announce: Callable[[Message], object]) -> None:
        """Prepare; `begin` starts the thread, which reads the settings at every character.

        `announce` posts a message to the screen; thread-safe.
        """
        self.began = datetime.now()
        """Start, in local time."""
        self.opening: Opening | None = None
        """The model, tape and seed of the text; None until it has started."""
        self.branch = 0
        """Number of the displayed branch."""
        self.shown = 0
        """How many of its characters the screen has taken."""
        self.listener: Callable[[Tape], object] = ignore
        """Called in the thread after each generated character."""
        self._readers = 0
        """Number of threads that are reading the tape."""
        self._settings = settings
        self._announce = announce
        self._applied: SamplingConfig | None = None
        self._active_clamps: ActiveClamps | None = None
        """The settings that were applied to the stream since it has started."""
        self.task: BackgroundTask | None = None
        """The newest task of the thread; written by the screen's thread only."""
        self.is_active = False
        """Whether more characters may be generated; written by the screen's thread only."""

    @property
    def tape(self) -> Tape | None:
        """Everything generated; None until the text has started."""
        return None if self.opening is None else self.opening.tape

    def begin(self, start: Start) -> None:
        """Start in the thread, and generate; a tape or an external text is only read."""
        self._run(lambda task: self._begin(task, start))

    def resume(self) -> bool:
        """Continue at the end of the displayed branch; False if not started or still active."""
        if self.tape is None or self.is_active:
            return False
        self.branch_off(Fork(self.branch, self.length))
        return True

    def branch_off(self, fork: Fork) -> None:
        """Continue from any position, with the state stored there; posts `BranchStarted`.

        Running generation stops; its characters stay on the tape.
        """
        before = self.task
        self.stop()
        self._run(lambda task: self._branch_off(task, before, fork))

    def stop(self) -> None:
        """Stop generating; the characters stay on the tape."""
        if self.task is not None:
            self.task.cancel()

    @property
    def length(self) -> int:
        """Characters of the displayed branch, taken by the screen or not."""
        return 0 if self.tape is None else self.tape.tree.branches[self.branch].length

    def take(self) -> str:
        """Return the characters added to the displayed branch since the last call."""
        if self.tape is None:
            return ""
        start, self.shown = self.shown, self.length
        return self.tape.text(self.branch, start, self.shown)

    def result(self) -> GenerationResult | None:
        """Return what was taken of the displayed branch; None before the text has started."""
        return self.opening and lazy.result_of(self.opening, self.branch, self.shown)

    def read_position(self, branch: int, position: int) -> TapePosition | None:
        """Return the state and distribution at a position; None if it does not exist.

        Blocks, so call it in a thread. The generating thread pauses meanwhile, because it would
        otherwise retake the tape's lock at once.
        """
        if self.tape is None:
            return None
        self._readers += 1
        try:
            return self.tape.position_at(position, branch)
        except IndexError:
            return None
        finally:
            self._readers -= 1

    def _run(self, work: Callable[[BackgroundTask], str]) -> None:
        """Run `work` in a new thread; it returns a summary, see `GenerationEnded`."""
        self.is_active = True

        def guarded(task: BackgroundTask) -> None:
            try:
                summary = work(task)
            except Exception as error:  # noqa: BLE001 - the screen shows it or re-raises it
                self._announce(GenerationFailed(self, task, error))
            else:
                self._announce(GenerationEnded(self, task, task.is_cancelled, summary))

        self.task = BackgroundTask("generation", guarded)

    def _begin(self, task: BackgroundTask, start: Start) -> str:
        opening = start(self._settings, task)
        if task.is_cancelled:
            return ""
        tape = opening.tape
        self.branch, self.shown = tape.branch.number, 0
        self.opening = opening
        is_generated, generated = opening.external is None and not opening.is_recorded, ""
        try:
            if is_generated:
                generated = self._generate_first(tape)
        finally:
            self._announce(GenerationStarted(self, task, opening))
        if opening.external is not None:
            return lazy.read_external(
                opening.external,
                tape,
                lambda: task.is_cancelled,
                on_character=lambda: self.listener(tape),
                post=self._announce,
            )
        if opening.is_recorded:
            return tr("The tape is open.")
        self._generate(tape, task, generated)
        return ""

    def _branch_off(self, task: BackgroundTask, before: BackgroundTask | None, fork: Fork) -> str:
        if before is not None:
            before.join()
        tape = self.tape
        if tape is None or task.is_cancelled:
            return ""
        if (tape.branch.number, tape.position) != (fork.branch, fork.position):
            tape.rewind(fork.position, fork.branch)
        if fork.is_redrawn:
            tape.stream.redraw()
        self._apply_settings(tape)
        for index in fork.taken:
            tape.take(index)
        if tape.position < tape.branch.length:
            tape.next()  # a branch exists only once it has a character of its own
        self._announce(BranchStarted(self, task, tape.branch.number))
        self._generate(tape, task)
        return ""

    def _generate_first(self, tape: Tape) -> str:
        """Generate up to the first visible character, so that one frame shows it with the seed.

        A seed such as `ROMEO:` is followed by a line feed; the text after it would otherwise have
        to wait for the next frame.
        """
        generated = ""
        while not generated.strip() and len(generated) < min(_MOST_LEADING, self._settings.length):
            generated += tape.next().character
            if tape.stream.is_complete or tape.stream.is_between_records:
                break
        return generated

    def _generate(self, tape: Tape, task: BackgroundTask, generated: str = "") -> None:
        """Generate up to the set length; a trailing initial jamo also gets its vowel."""
        newest, due = generated[-1:], time.monotonic()
        for place in range(len(generated), self._settings.length):
            self._apply_settings(tape)
            # continuing at the end of a record generates the next record
            if tape.stream.is_complete or (place and tape.stream.is_between_records):
                break
            newest = tape.next().character
            self.listener(tape)
            now = time.monotonic()
            due = self._settings.next_due(due, now)
            pause = due - now if due - now >= _SHORTEST_PAUSE else 0.0  # added to the next pause
            pause = max(pause, _READER_PAUSE if self._readers else 0.0)
            if task.is_cancelled_after(pause) if pause else task.is_cancelled:
                break
        if newest in INITIALS:
            tape.next()
            self.listener(tape)

    def _apply_settings(self, tape: Tape) -> None:
        """Apply the settings that have changed since the last character."""
        sampling, active = self._settings.sampling, self._settings.active_clamps
        if active is not self._active_clamps:
            self._active_clamps = active
            tape.stream.clamps = active.of(tape.stream.model)
        if sampling is self._applied:
            return
        self._applied = sampling
        if sampling.rng_seed not in {None, tape.stream.rng_seed}:
            # the RNG seed applies to the start of a text; random numbers were drawn since
            sampling = dataclasses.replace(sampling, rng_seed=None)
        tape.stream.sampling = sampling


def ignore(_: Tape) -> None:
    """Do nothing; the default listener."""
