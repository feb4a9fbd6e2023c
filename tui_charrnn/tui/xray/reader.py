"""Knows what a model expected of the characters in view, and what went on in it.

What streams is tapped, for the scores are there as each character is chosen; what was generated
before is read again, in a thread.
"""

import itertools
import math
import time
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from tui_charrnn.errors import CharRNNError
from tui_charrnn.generation.calibration import Reliability
from tui_charrnn.generation.neuron import Probe
from tui_charrnn.generation.tape import Tape
from tui_charrnn.lens.reading import (
    LayerView,
    Prediction,
    Predictions,
    TapeReader,
    predict_each,
    view_layers,
)
from tui_charrnn.model.weights import Float32
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.text.generation_thread import GenerationThread, ignore

ALTERNATIVES: Final = 12
"""How many of the likeliest characters are kept of each place."""
CHUNK: Final = 64
"""Characters that are read between two announcements."""
_MOST_TAPPED: Final = 1024
"""Characters that are kept until numbers are made of them; older ones are read again."""
_NEAR: Final = 64
"""Characters from the newest one back within which one of a text that streams is near it."""
_MOST_AROUND: Final = 4000
"""Characters before and after those in view that are read ahead of need."""
_MOST: Final = 20_000
"""Characters of which something is known at most; the screen shows fewer."""
RUNNING: Final = 100
"""Characters over which the running mean of the surprise is taken."""
Key = tuple[int, int]
"""Names a character of a tape: the branch that has it as its own, and its position."""


class Passage(NamedTuple):
    """Characters of a branch, from one position to another."""

    branch: int
    start: int
    stop: int


class ProbeValues:
    """What a probe had after each character of a tape: four bytes a character, no states.

    Written by one thread and read by any.
    """

    def __init__(self, probe: Probe) -> None:
        """Know nothing yet of what a probe has."""
        self.probe: Final = probe
        self.largest = 0.0
        """The largest absolute value that is known."""
        self._by_branch: dict[int, array[float]] = {}
        """Values by the branch that has the characters as its own, from position 0 on."""

    def keep(self, key: Key, value: float) -> None:
        """Know the value after a character."""
        number, position = key
        values = self._by_branch.get(number)
        if values is None:
            values = self._by_branch[number] = array("f")
        if position > len(values):
            values.extend([math.nan] * (position - len(values)))
        if position == len(values):
            values.append(value)
        else:
            values[position] = value
        self.largest = max(self.largest, abs(value))

    def of(self, key: Key) -> float | None:
        """The value after a character; None as long as it is not known."""
        values = self._by_branch.get(key[0])
        if values is None or key[1] >= len(values):
            return None
        value = values[key[1]]
        return None if math.isnan(value) else value

    def __contains__(self, key: Key) -> bool:
        return self.of(key) is not None


class Tapped(NamedTuple):
    """A character that was just generated."""

    branch: int
    position: int
    logits: Float32
    """The scores that it was chosen by, shape (V,)."""


@dataclass(frozen=True, eq=False, slots=True)
class LayerSnapshot:
    """States and gates of the step in which a character was read."""

    branch: int
    position: int
    layers: tuple[LayerView, ...]
    """The lowest first."""


class _Job(NamedTuple):
    """What the thread does next."""

    passage: Passage | None = None
    """What is to be read; None if only what was tapped is to be taken in."""
    is_looked_into: bool = False
    """Whether the states after it are to be kept."""


class XrayReading:
    """What is known of the characters of one tape; taps what streams, and reads what is wanted.

    While the text streams, reading rests as long as it works. What is known is written by one
    thread and read by any; of those that are too many, the first known go.
    """

    def __init__(
        self, generation: GenerationThread, tape: Tape, announce: Callable[[Passage], object]
    ) -> None:
        """Wait for what is wanted; passages are announced in the thread that reads."""
        self.generation: Final = generation
        self.tape: Final = tape
        self.announce: Final = announce
        self.reliability: Final = Reliability()
        """How often the likeliest character came, where anything was known of it."""
        self.values: ProbeValues | None = None
        """What is known of the neuron or gate that is followed."""
        self.snapshot: LayerSnapshot | None = None
        """States and gates of the character that was looked into last."""
        self._known: dict[Key, tuple[Prediction, Predictions, int]] = {}
        self._wanted: tuple[Passage, ...] = ()
        self._place: tuple[int, int] | None = None
        """Branch and position of a character that is to be looked into."""
        self._tapped: deque[Tapped] = deque(maxlen=_MOST_TAPPED)
        self._newest: tuple[int, int] | None = None
        """Branch and position of the character that was tapped last."""
        self._wants_snapshot = False
        """Whether states and gates are to be noted at the next character."""
        generation.listener = self._on_character
        self._task = BackgroundTask("xray", self._run)

    def key_of(self, branch: int, position: int) -> Key:
        """The name of a character, the same on all branches that share it."""
        tree = self.tape.tree
        if tree.branches[branch].start <= position:  # most are; asked for at every character
            return branch, position
        return tree.holder(branch, position).number, position

    def expected(self, branch: int, position: int) -> Prediction | None:
        """The numbers of a character; None as long as they are not known."""
        found = self._known.get(self.key_of(branch, position))
        return None if found is None else found[0]

    def prediction(self, branch: int, position: int) -> Prediction | None:
        """The same with the likeliest characters."""
        found = self._known.get(self.key_of(branch, position))
        return None if found is None else found[1].of(found[2])

    def want(self, passages: Sequence[Passage], place: tuple[int, int] | None = None) -> None:
        """Have passages read, the first of them first; what was wanted before is forgotten.

        Args:
            passages: What is to be known.
            place: Branch and position of a character that is to be looked into first; of the
                newest one of a text that streams, the states before it are noted as it comes.
        """
        newest = self._newest if self.generation.is_active else None
        self._wants_snapshot = (
            place is not None
            and newest is not None
            and place[0] == newest[0]
            and place[1] >= newest[1] - _NEAR
        )
        self._wanted = tuple(passages)
        self._place = None if self._wants_snapshot else place
        self._task.wake()

    def follow(self, probe: Probe | None) -> ProbeValues | None:
        """Read a neuron's or a gate's values from now on, and forget those of another."""
        self.values = None if probe is None else ProbeValues(probe)
        return self.values

    def close(self) -> None:
        """Read no more."""
        self.generation.listener = ignore
        self._task.cancel()

    @property
    def has_tapped(self) -> bool:
        """Whether characters came since something was wanted last."""
        return bool(self._tapped)

    def _on_character(self, tape: Tape) -> None:
        """Note the scores that a new character was chosen by; called in the generating thread.

        A character is known to be read only when the next one is chosen: states are those of the
        character before it.
        """
        number, position = tape.branch.number, tape.position - 1
        self._tapped.append(Tapped(number, position, tape.stream.logits.copy()))
        self._newest = number, position
        values = self.values
        if position and values is not None:
            value = tape.stream.layers[values.probe.layer].value(values.probe)
            values.keep(self.key_of(number, position - 1), value)
        if position and self._wants_snapshot:
            self._wants_snapshot = False
            self.snapshot = LayerSnapshot(number, position - 1, view_layers(tape.stream.layers))

    def _run(self, task: BackgroundTask) -> None:
        reader = TapeReader(self.tape, self.generation.moment, ALTERNATIVES)
        try:
            while True:
                job, began = task.wait_for(lambda: self._next_job(reader.at)), time.monotonic()
                self._take_in()
                if job.passage is not None:
                    self._read(reader, job.passage, is_looked_into=job.is_looked_into)
                    if self.generation.is_active:
                        task.wait(time.monotonic() - began)
        except CharRNNError:  # scores that are no numbers, which the generation reports itself
            return

    def _read(self, reader: TapeReader, passage: Passage, *, is_looked_into: bool) -> None:
        branch, start, stop = passage
        values = self.values
        predictions = reader.read(branch, start, stop, None if values is None else values.probe)
        if predictions is None:  # of a tape, which only grows, every place stays
            self._wanted, self._place = (), None
            return
        keys = [self.key_of(branch, place) for place in range(start, stop)]
        self._keep(keys, self.tape.tree.indices(branch, start, stop), predictions)
        if values is not None:
            for key, value in zip(keys, reader.values, strict=True):
                values.keep(key, value)
        if is_looked_into:
            self.snapshot = LayerSnapshot(branch, stop - 1, reader.views())
        self.announce(passage)

    def _take_in(self) -> None:
        """Make numbers of what was tapped."""
        tapped = [self._tapped.popleft() for _ in range(len(self._tapped))]
        if not tapped:
            return
        keys = [self.key_of(one.branch, one.position) for one in tapped]
        logits = np.stack([one.logits for one in tapped])
        branches = self.tape.tree.branches
        indices = [
            branches[one.branch].indices[one.position - branches[one.branch].start]
            for one in tapped
        ]
        self._keep(keys, indices, predict_each(logits, np.array(indices, np.intp), ALTERNATIVES))
        for branch, group in itertools.groupby(tapped, lambda one: one.branch):
            positions = [one.position for one in group]
            start = max(min(positions) - 1, 0)  # the value before the first came with it
            self.announce(Passage(branch, start, max(positions) + 1))

    def _keep(self, keys: Sequence[Key], indices: Sequence[int], predictions: Predictions) -> None:
        """Know what was expected of characters, and count those of which nothing was known."""
        unknown, known = self.tape.stream.model.vocabulary.unknown_index, self._known
        places = [
            place
            for place, (key, index) in enumerate(zip(keys, indices, strict=True))
            if index != unknown and key not in known
        ]
        expected = predictions.likelihoods[places, 0]
        self.reliability.count(expected, predictions.probability[places] >= expected)
        columns = predictions.probability, predictions.surprise, predictions.entropy
        rows = zip(*(column.tolist() for column in columns), strict=True)
        for place, (key, row) in enumerate(zip(keys, rows, strict=True)):
            known[key] = Prediction(*row), predictions, place
        while len(known) > _MOST:
            del known[next(iter(known))]

    def _next_job(self, at: tuple[int, int] | None) -> _Job | None:
        """Something that is wanted and not known; `at` is where reading on costs least."""
        if self._tapped and self._wanted:
            return _Job()
        place, snapshot = self._place, self.snapshot
        if place is not None and (
            snapshot is None or (snapshot.branch, snapshot.position) != place
        ):
            return _Job(Passage(*place, place[1] + 1), is_looked_into=True)
        passages = (self._gap(wanted, at) for wanted in self._wanted)
        passage = next((passage for passage in passages if passage is not None), None)
        return None if passage is None else _Job(passage)

    def _gap(self, wanted: Passage, at: tuple[int, int] | None) -> Passage | None:
        """The last characters of a passage that are not known."""
        branch, values, newest = wanted.branch, self.values, self._newest

        def is_known(position: int) -> bool:
            key = self.key_of(branch, position)
            return key in self._known and (values is None or key in values)

        if newest is not None and newest[0] == branch and self.generation.is_active:
            # what comes will be tapped; values come one character later
            stop = min(wanted.stop, newest[1] + (1 if values is None else 0))
            wanted = wanted._replace(stop=stop)
        return find_gap(wanted, is_known, at)


def find_gap(
    wanted: Passage, is_known: Callable[[int], bool], at: tuple[int, int] | None
) -> Passage | None:
    """The last characters of a passage that are not known, `CHUNK` at most; None if all are.

    Args:
        wanted: The passage.
        is_known: Says so of a position on its branch.
        at: Branch and position from which reading on costs least: what is reached from there soon
            is read from there.
    """
    branch, first, stop = wanted
    while stop > first and is_known(stop - 1):
        stop -= 1
    if stop <= first:
        return None
    if at is not None and at[0] == branch and 0 <= stop - at[1] - 1 < 2 * CHUNK:
        return Passage(branch, at[1], min(at[1] + CHUNK, stop))
    start = stop
    while start > max(first, stop - CHUNK) and not is_known(start - 1):
        start -= 1
    return Passage(branch, start, stop)


def wanted_passages(
    branch: int, explained: int, view: tuple[int, int], shown: int, *, is_streaming: bool
) -> tuple[Passage, ...]:
    """What is to be known, the most urgent first: what is explained, what is in view, what is near.

    Args:
        branch: The continuation in sight.
        explained: Position of the character that the panel is about.
        view: The positions of the first character in view, and after the last.
        shown: How many characters there are.
        is_streaming: Whether more are coming, which nothing may hold up.
    """
    start, stop = view
    passages = (
        Passage(branch, explained, explained + 1),
        Passage(branch, start, stop),
        Passage(branch, max(explained - RUNNING + 1, 0), explained + 1),
    )
    if is_streaming:
        return passages
    around = min(stop - start, _MOST_AROUND)
    after = Passage(branch, stop, min(stop + around, shown))
    before = Passage(branch, max(start - around, 0), start)
    return (*passages, after, before)
