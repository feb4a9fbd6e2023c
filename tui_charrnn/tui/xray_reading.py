"""Knows what a model expected of the characters that are looked at.

What streams is listened to, for the scores are there as each character is chosen; what was said
before is read again, in a thread.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from tui_charrnn.errors import CharRNNError
from tui_charrnn.tui.xray_numbers import XrayNumbers, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tui_charrnn.generation.tape import Tape
    from tui_charrnn.generation.tree import Tree
    from tui_charrnn.lens.tape_reading import TapeReader
    from tui_charrnn.model.weights import Float32
    from tui_charrnn.tui.speaker import Speech

ALTERNATIVES: Final = 12
"""How many of the likeliest characters are kept of each place."""
_CHUNK: Final = 64
"""Characters that are read before anybody hears of it."""
_MOST_HEARD: Final = 1024
"""Characters that are kept until numbers are made of them; older ones are read again."""


class Passage(NamedTuple):
    """Characters of a branch, from one position to another."""

    branch: int
    start: int
    stop: int


_HEARD: Final = Passage(0, 0, 0)
"""Stands for what was heard: nothing is to be read for it."""


class _Heard(NamedTuple):
    """A character that was just said."""

    branch: int
    position: int
    logits: Float32
    """The scores that it was chosen by, shape (V,)."""


class XrayReading:
    """What is known of the characters of one speech; reads what is wanted, the newest first.

    While the text streams, reading rests as long as it works.
    """

    def __init__(self, speech: Speech, announce: Callable[[Passage], object]) -> None:
        """Wait for what is wanted.

        Args:
            speech: Whose tape is read, as soon as there is one.
            announce: Hears of every passage that was read, in the thread that read it.
        """
        self._speech = speech
        self._announce = announce
        self.numbers = XrayNumbers()
        """What is known so far."""
        self._wanted: tuple[Passage, ...] = ()
        self._changed = threading.Condition()
        self._is_over = False
        self._heard: deque[_Heard] = deque(maxlen=_MOST_HEARD)
        self._last_heard: tuple[int, int] | None = None
        speech.listener = self._listen
        threading.Thread(target=self._run, daemon=True, name="xray").start()

    def want(self, passages: Sequence[Passage]) -> None:
        """Have passages read, the first of them first; what was wanted before is forgotten."""
        with self._changed:
            self._wanted = tuple(passages)
            self._changed.notify()

    def close(self) -> None:
        """Read no more."""
        self._speech.hear_nothing()
        with self._changed:
            self._is_over = True
            self._changed.notify()

    @property
    def has_heard(self) -> bool:
        """Whether characters came since something was wanted last."""
        return bool(self._heard)

    def _listen(self, tape: Tape) -> None:
        """Note the scores that the newest character was chosen by; in the thread that speaks."""
        number, position = tape.branch.number, tape.position - 1
        self._heard.append(_Heard(number, position, tape.stream.logits.copy()))
        self._last_heard = number, position

    def _run(self) -> None:
        reader: TapeReader | None = None
        while (passage := self._next_passage(reader)) is not None:
            began, tape = time.monotonic(), self._speech.tape
            if tape is None:
                return
            try:
                self._take_in(tape.tree)
                if passage is not _HEARD:
                    reader = reader or self._reader(tape)
                    self._read(tape.tree, reader, passage)
            except CharRNNError:  # scores that are no numbers; the speech has said so itself
                return
            if self._speech.is_active and passage is not _HEARD:
                with self._changed:
                    self._changed.wait_for(lambda: self._is_over, time.monotonic() - began)

    def _reader(self, tape: Tape) -> TapeReader:
        # deferred: NumPy, which the first frame does not wait for
        from tui_charrnn.lens.tape_reading import TapeReader  # noqa: PLC0415 - as said

        return TapeReader(tape, self._speech.moment, ALTERNATIVES)

    def _read(self, tree: Tree, reader: TapeReader, passage: Passage) -> None:
        predictions = reader.read(*passage)
        if predictions is None:
            self._forget(passage)
            return
        keys = [key_of(tree, passage.branch, place) for place in range(passage.start, passage.stop)]
        self.numbers.keep(keys, predictions)
        self._announce(passage)

    def _take_in(self, tree: Tree) -> None:
        """Make numbers of what was heard."""
        heard = [self._heard.popleft() for _ in range(len(self._heard))]
        if not heard:
            return
        # deferred: NumPy, as in `_reader`
        from tui_charrnn.lens.tape_reading import predictions_of  # noqa: PLC0415 - as said

        keys = [key_of(tree, one.branch, one.position) for one in heard]
        came = [
            tree.branches[number].indices[at - tree.branches[number].start] for number, at in keys
        ]
        self.numbers.keep(keys, predictions_of([one.logits for one in heard], came, ALTERNATIVES))
        for branch, group in itertools.groupby(heard, lambda one: one.branch):
            positions = [one.position for one in group]
            self._announce(Passage(branch, min(positions), max(positions) + 1))

    def _forget(self, passage: Passage) -> None:
        """Want nothing more of a branch that has no such place."""
        with self._changed:
            self._wanted = tuple(one for one in self._wanted if one.branch != passage.branch)

    def _next_passage(self, reader: TapeReader | None) -> Passage | None:
        """Wait for something that is wanted and not known; None once it is over."""
        with self._changed:
            while not self._is_over:
                tape = self._speech.tape
                if tape is not None:
                    if self._heard and self._wanted:
                        return _HEARD
                    for wanted in self._wanted:
                        at = None if reader is None else reader.at
                        passage = self._gap(tape.tree, wanted, at)
                        if passage is not None:
                            return passage
                self._wanted = ()
                self._changed.wait()
            return None

    def _gap(self, tree: Tree, wanted: Passage, at: tuple[int, int] | None) -> Passage | None:
        """The last characters of a passage that are not known, or those from where one stands."""
        known, branch = self.numbers, wanted.branch
        stop, last = wanted.stop, self._last_heard
        if last is not None and last[0] == branch and self._speech.is_active:
            stop = min(stop, last[1] + 1)  # what comes will be heard
        while stop > wanted.start and key_of(tree, branch, stop - 1) in known:
            stop -= 1
        if stop <= wanted.start:
            return None
        if at is not None and at[0] == branch and 0 <= stop - at[1] - 1 < 2 * _CHUNK:
            return Passage(branch, at[1], min(at[1] + _CHUNK, stop))
        start = stop
        while start > max(wanted.start, stop - _CHUNK):
            if key_of(tree, branch, start - 1) in known:
                break
            start -= 1
        return Passage(branch, start, stop)
