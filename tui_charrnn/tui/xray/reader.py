"""Knows what a model expected of the characters that are looked at, and what went on in it.

What streams is listened to, for the scores are there as each character is chosen; what was said
before is read again, in a thread.
"""

from __future__ import annotations

import itertools
import threading
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from tui_charrnn.errors import CharRNNError
from tui_charrnn.tui.xray.gaps import Passage, find_gap
from tui_charrnn.tui.xray.numbers import ProbeValues, XrayNumbers, key_of
from tui_charrnn.tui.xray.stream_tap import LayerSnapshot, StreamTap, came

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tui_charrnn.generation.tape import Tape
    from tui_charrnn.generation.tree import Tree
    from tui_charrnn.lens.probe import Probe
    from tui_charrnn.lens.tape_reading import TapeReader
    from tui_charrnn.tui.text.generation_thread import GenerationThread

__all__ = ["ALTERNATIVES", "LayerSnapshot", "Passage", "XrayReading"]

ALTERNATIVES: Final = 12
"""How many of the likeliest characters are kept of each place."""


class _Task(NamedTuple):
    """What the thread does next."""

    passage: Passage | None = None
    """What is to be read; None if only what was heard is to be taken in."""
    is_looked_into: bool = False
    """Whether the states after it are to be kept."""


_TAPPED: Final = _Task()


class XrayReading:
    """What is known of the characters of one speech; reads what is wanted, the newest first.

    While the text streams, reading rests as long as it works.
    """

    def __init__(self, generation: GenerationThread, announce: Callable[[Passage], object]) -> None:
        """Wait for what is wanted.

        Args:
            generation: Whose tape is read, as soon as there is one.
            announce: Hears of every passage that was read, in the thread that read it.
        """
        self.generation: Final = generation
        self.announce: Final = announce
        self.numbers: Final = XrayNumbers()
        """What is known so far."""
        self.values: ProbeValues | None = None
        """What is known of the neuron or gate that is followed."""
        self.snapshot: LayerSnapshot | None = None
        """States and gates of the character that was looked into last."""
        self._wanted: tuple[Passage, ...] = ()
        self._place: tuple[int, int] | None = None
        """Branch and position of a character that is to be looked into."""
        self._changed = threading.Condition()
        self._is_over = False
        self._tap = StreamTap()
        generation.listener = self._tap.on_character
        threading.Thread(target=self._run, daemon=True, name="xray").start()

    def want(self, passages: Sequence[Passage], place: tuple[int, int] | None = None) -> None:
        """Have passages read, the first of them first; what was wanted before is forgotten.

        Args:
            passages: What is to be known.
            place: Branch and position of a character that is to be looked into first; of the
                newest one of a text that streams, the states before it are noted as it comes.
        """
        tap = self._tap
        if place is not None and self.generation.is_active and tap.is_near(place):
            tap.wants_snapshot = True
            if tap.snapshot is not None:
                self.snapshot, tap.snapshot = tap.snapshot, None
            place = None
        with self._changed:
            self._wanted, self._place = tuple(passages), place
            self._changed.notify()

    def follow(self, probe: Probe | None) -> ProbeValues | None:
        """Read a neuron's or a gate's values from now on; None reads none.

        Returns:
            What takes the values of a probe; they are forgotten when another one is followed.
        """
        with self._changed:
            self.values = None if probe is None else ProbeValues(probe)
            self._tap.values = self.values
            return self.values

    def close(self) -> None:
        """Read no more."""
        self.generation.remove_listener()
        with self._changed:
            self._is_over = True
            self._changed.notify()

    @property
    def has_tapped(self) -> bool:
        """Whether characters came since something was wanted last."""
        return bool(self._tap)

    def _run(self) -> None:
        reader: TapeReader | None = None
        while (task := self._next_task(reader)) is not None:
            began, tape = time.monotonic(), self.generation.tape
            if tape is None:
                return
            try:
                self._take_in(tape.tree)
                if task.passage is not None:
                    reader = reader or _reader_of(tape, self.generation)
                    self._read(tape.tree, reader, task)
            except CharRNNError:  # scores that are no numbers; the speech has said so itself
                return
            if self.generation.is_active and task.passage is not None:
                with self._changed:
                    self._changed.wait_for(lambda: self._is_over, time.monotonic() - began)

    def _read(self, tree: Tree, reader: TapeReader, task: _Task) -> None:
        passage, values = task.passage, self.values
        if passage is None:
            return
        branch, start, stop = passage
        predictions = reader.read(branch, start, stop, None if values is None else values.probe)
        if predictions is None:
            with self._changed:  # want nothing more of a branch that has no such place
                self._wanted = tuple(one for one in self._wanted if one.branch != branch)
                self._place = None
            return
        keys = [key_of(tree, branch, place) for place in range(start, stop)]
        self.numbers.keep(keys, predictions)
        if values is not None:
            for key, value in zip(keys, reader.values, strict=True):
                values.keep(key, value)
        if task.is_looked_into:
            self.snapshot = LayerSnapshot(branch, stop - 1, reader.views())
        self.announce(passage)

    def _take_in(self, tree: Tree) -> None:
        """Make numbers of what was heard."""
        tapped = self._tap.take()
        if not tapped:
            return
        # deferred: NumPy, as in `_reader_of`
        from tui_charrnn.lens.tape_reading import predictions_of  # noqa: PLC0415 - as said

        keys = [key_of(tree, one.branch, one.position) for one in tapped]
        logits = [one.logits for one in tapped]
        self.numbers.keep(keys, predictions_of(logits, came(tree, tapped), ALTERNATIVES))
        for branch, group in itertools.groupby(tapped, lambda one: one.branch):
            positions = [one.position for one in group]
            start = max(min(positions) - 1, 0)  # the value before the first came with it
            self.announce(Passage(branch, start, max(positions) + 1))

    def _next_task(self, reader: TapeReader | None) -> _Task | None:
        """Wait for something that is wanted and not known; None once it is over."""
        with self._changed:
            while not self._is_over:
                tape = self.generation.tape
                if tape is not None:
                    task = self._open_task(tape.tree, reader.at if reader is not None else None)
                    if task is not None:
                        return task
                self._wanted = ()
                self._changed.wait()
            return None

    def _open_task(self, tree: Tree, at: tuple[int, int] | None) -> _Task | None:
        """Something that is wanted and not known."""
        if self._tap and self._wanted:
            return _TAPPED
        place, snapshot = self._place, self.snapshot
        if place is not None and (
            snapshot is None or (snapshot.branch, snapshot.position) != place
        ):
            return _Task(Passage(*place, place[1] + 1), is_looked_into=True)
        for wanted in self._wanted:
            passage = self._gap(tree, wanted, at)
            if passage is not None:
                return _Task(passage)
        return None

    def _gap(self, tree: Tree, wanted: Passage, at: tuple[int, int] | None) -> Passage | None:
        """The last characters of a passage that are not known."""
        branch, values, last = wanted.branch, self.values, self._tap.last

        def is_known(position: int) -> bool:
            key = key_of(tree, branch, position)
            return key in self.numbers and (values is None or key in values)

        if last is not None and last[0] == branch and self.generation.is_active:
            # what comes will be heard; values come one character later
            stop = min(wanted.stop, last[1] + (1 if values is None else 0))
            wanted = wanted._replace(stop=stop)
        return find_gap(wanted, is_known, at)


def _reader_of(tape: Tape, generation: GenerationThread) -> TapeReader:
    # deferred: NumPy, which the first frame does not wait for
    from tui_charrnn.lens.tape_reading import TapeReader  # noqa: PLC0415 - as said

    return TapeReader(tape, generation.moment, ALTERNATIVES)
