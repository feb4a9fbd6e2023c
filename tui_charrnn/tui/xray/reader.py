"""Collects predictions and activations for the characters in view.

For streaming text it taps the logits as each character is sampled; older text is read again in a
thread.
"""

import itertools
import time
from collections import OrderedDict, deque
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
"""Likeliest characters kept for each position."""
CHUNK: Final = 64
"""Characters read between two announcements."""
_MOST_TAPPED: Final = 1024
"""Most tapped characters that wait for evaluation; older ones are read again."""
_NEAR: Final = 64
"""Characters before the newest one for which the next tapped snapshot is good enough."""
_MOST: Final = 40_000
"""Most characters whose predictions are kept; more than are requested at a time."""
Key = tuple[int, int]
"""Identifies a character of a tape: the branch that owns it, and its position."""


class TapeSpan(NamedTuple):
    """Characters of a branch, from `start` up to, not including, `stop`."""

    branch: int
    start: int
    stop: int


class ProbeValues:
    """The values of a probe after each character of a tape; beyond `_MOST`, the oldest are dropped.

    Two threads write: all operations on `known` are atomic.
    """

    def __init__(self, probe: Probe) -> None:
        """Start without values."""
        self.probe: Final = probe
        self.largest = 0.0
        """Largest absolute value so far."""
        self.known: Final = OrderedDict[Key, float]()

    def keep(self, key: Key, value: float) -> None:
        """Store the value after a character."""
        self.known[key] = value
        self.largest = max(self.largest, abs(value))
        if len(self.known) > _MOST:
            self.known.popitem(last=False)


@dataclass(frozen=True, eq=False, slots=True)
class LayerSnapshot:
    """States and gates of the time step that read a character."""

    at: tuple[int, int]
    """Branch and position."""
    layers: tuple[LayerView, ...]
    """The lowest first."""


class XrayReading:
    """Predictions and activations of one tape: taps streaming text, and reads requested passages.

    While the text streams, the thread pauses after each passage for as long as it took. Results
    are written by one thread and read by any; beyond `_MOST`, the oldest are dropped.
    """

    def __init__(
        self, generation: GenerationThread, tape: Tape, announce: Callable[[TapeSpan], object]
    ) -> None:
        """Start the thread; it calls `announce` with each passage that became known."""
        self.generation: Final = generation
        self.tape: Final = tape
        self.announce: Final = announce
        self.reliability: Final = Reliability()
        """How often the likeliest character was right, over the known predictions."""
        self.values: ProbeValues | None = None
        """Values of the recorded neuron or gate; None without one."""
        self.snapshot: LayerSnapshot | None = None
        """The last snapshot of states and gates."""
        self._known: dict[Key, tuple[Prediction, Predictions, int]] = {}
        self._wanted: tuple[TapeSpan, ...] = ()
        self._place: tuple[int, int] | None = None
        """Branch and position of the requested snapshot."""
        self._tapped: deque[tuple[Key, int, Float32]] = deque(maxlen=_MOST_TAPPED)
        """Characters that were just generated: keys, vocabulary indices, and the logits that they
        were sampled from, shape (V,)."""
        self._newest: tuple[int, int] | None = None
        """Branch and position of the last tapped character."""
        self._wants_snapshot = False
        """Whether to take a snapshot at the next generated character."""
        generation.listener = self._on_character
        self._task = BackgroundTask("xray", self._run)

    def key_of(self, branch: int, position: int) -> Key:
        """Return the key of a character, the same on all branches that share it."""
        tree = self.tape.tree
        if tree.branches[branch].start <= position:  # fast path: called for every character
            return branch, position
        return tree.holder(branch, position).number, position

    def expected(self, branch: int, position: int) -> Prediction | None:
        """Return a character's prediction without alternatives; None if it is not known yet."""
        found = self._known.get(self.key_of(branch, position))
        return None if found is None else found[0]

    def prediction(self, branch: int, position: int) -> Prediction | None:
        """Return a character's prediction with the likeliest characters; None if not known yet."""
        found = self._known.get(self.key_of(branch, position))
        return None if found is None else found[1].of(found[2])

    def request(self, passages: Sequence[TapeSpan], place: tuple[int, int] | None = None) -> None:
        """Request passages, the most urgent first, and a snapshot; replaces the previous request.

        The snapshot of `place`, a branch and a position, comes first. Near the newest character of
        a streaming text, it is taken at the next character instead.
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
        """Record a neuron or gate from now on, instead of the previous one; None for none."""
        self.values = None if probe is None else ProbeValues(probe)
        return self.values

    def close(self) -> None:
        """Stop reading."""
        self.generation.listener = ignore
        self._task.cancel()

    @property
    def has_tapped(self) -> bool:
        """Whether tapped characters wait for evaluation."""
        return bool(self._tapped)

    def _on_character(self, tape: Tape) -> None:
        """Record the logits of a new character; called in the generating thread.

        The model reads a character only when the next one is sampled, so the current states belong
        to the character before.
        """
        number, position = tape.branch.number, tape.position - 1
        self._newest = number, position
        self._tapped.append((self._newest, tape.branch.indices[-1], tape.stream.logits.copy()))
        values = self.values
        if position and values is not None:
            value = tape.stream.layers[values.probe.layer].value(values.probe)
            values.keep(self.key_of(number, position - 1), value)
        if position and self._wants_snapshot:
            self._wants_snapshot = False
            self.snapshot = LayerSnapshot((number, position - 1), view_layers(tape.stream.layers))

    def _run(self, task: BackgroundTask) -> None:
        reader = TapeReader(self.tape, self.generation.read_position, ALTERNATIVES)
        try:
            while True:
                passage = task.wait_for(self._next_passage)
                began = time.monotonic()
                self._read(reader, passage)
                if self.generation.is_active:
                    task.wait(time.monotonic() - began)
        except CharRNNError:  # logits that are not finite; the generating thread reports it
            return

    def _read(self, reader: TapeReader, passage: TapeSpan) -> None:
        branch, start, stop = passage
        values = self.values
        predictions = reader.read(branch, start, stop, None if values is None else values.probe)
        if predictions is None:  # not expected, since a tape only grows
            self._wanted, self._place = (), None
            return
        keys = [self.key_of(branch, place) for place in range(start, stop)]
        self._keep(keys, self.tape.tree.indices(branch, start, stop), predictions)
        if values is not None:
            for key, value in zip(keys, reader.values, strict=True):
                values.keep(key, value)
        if self._place == (branch, stop - 1):
            self.snapshot = LayerSnapshot((branch, stop - 1), reader.views())
        self.announce(passage)

    def _evaluate_tapped(self) -> None:
        """Evaluate the tapped characters."""
        tapped = [self._tapped.popleft() for _ in range(len(self._tapped))]
        if not tapped:
            return
        keys, indices = [key for key, _, _ in tapped], [index for _, index, _ in tapped]
        logits = np.stack([logits for _, _, logits in tapped])
        self._keep(keys, indices, predict_each(logits, np.array(indices, np.intp), ALTERNATIVES))
        for branch, group in itertools.groupby(keys, lambda key: key[0]):
            positions = [position for _, position in group]
            start = max(min(positions) - 1, 0)  # the probe's value before it is new, too
            self.announce(TapeSpan(branch, start, max(positions) + 1))

    def _keep(self, keys: Sequence[Key], indices: Sequence[int], predictions: Predictions) -> None:
        """Store predictions, and add the new ones to the reliability."""
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

    def _next_passage(self) -> TapeSpan | None:
        """Evaluate tapped characters if anything is requested; return the next passage to read."""
        if self._wanted:
            self._evaluate_tapped()
        place, snapshot = self._place, self.snapshot
        if place is not None and (snapshot is None or snapshot.at != place):
            return TapeSpan(*place, place[1] + 1)
        return next(filter(None, map(self._gap, self._wanted)), None)

    def _gap(self, wanted: TapeSpan) -> TapeSpan | None:
        """Return the first unknown part of a passage; None if all of it is known."""
        branch, values, newest = wanted.branch, self.values, self._newest

        def is_known(position: int) -> bool:
            key = self.key_of(branch, position)
            return key in self._known and (values is None or key in values.known)

        if newest is not None and newest[0] == branch and self.generation.is_active:
            # new characters are tapped; their probe values follow one character later
            stop = min(wanted.stop, newest[1] + (1 if values is None else 0))
            wanted = wanted._replace(stop=stop)
        return find_gap(wanted, is_known)


def find_gap(wanted: TapeSpan, is_known: Callable[[int], bool]) -> TapeSpan | None:
    """Return the first unknown part of a passage, `CHUNK` characters at most; None if all is known.

    So most parts continue where the last one ended, which costs least.
    """
    branch, start, end = wanted
    while start < end and is_known(start):
        start += 1
    stop = start
    while stop < min(end, start + CHUNK) and not is_known(stop):
        stop += 1
    return TapeSpan(branch, start, stop) if start < stop else None
