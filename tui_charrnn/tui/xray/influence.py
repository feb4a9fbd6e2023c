"""The influence of the past as a coloring: what the character at the cursor depends on."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from textual.content import Content

from tui_charrnn.errors import CharRNNError
from tui_charrnn.lens.influence import FARTHEST, Passage, distance_left
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.xray.reader import Passage as Stretch
from tui_charrnn.viewing.xray import INFLUENCE_SCALE, INFLUENCE_WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui_charrnn.generation.tape import Tape
    from tui_charrnn.tui.text.generation_thread import GenerationThread
    from tui_charrnn.tui.xray.colorings import Levels
    from tui_charrnn.tui.xray.looks import ScaleName
    from tui_charrnn.tui.xray.reader import XrayReading


@dataclass(frozen=True, slots=True)
class InfluenceColoring:
    """Colors what comes before the cursor by how much it moves the prediction at the cursor."""

    @property
    def name(self) -> str:
        """Which coloring it is."""
        return "influence"

    @property
    def scale(self) -> ScaleName:
        """How its levels look."""
        return "rising"

    def begin(self, reading: XrayReading) -> Levels | None:
        """Go back from the character that is looked at, in a thread."""
        return None if reading.generation.tape is None else InfluenceLevels(reading)


class Past(NamedTuple):
    """What one character depends on."""

    branch: int
    position: int
    influence: np.ndarray
    """By distance from 1 on; empty where it cannot be computed."""
    problem: str = ""
    """Why not."""

    @property
    def distances(self) -> tuple[int | None, int | None]:
        """From how many characters back on less than a half and a tenth of the largest is left."""
        half, tenth = (distance_left(self.influence, share) for share in (0.5, 0.1))
        return half, tenth


class InfluenceLevels:
    """What the character at the cursor, or the newest, depends on."""

    moves = True

    def __init__(self, reading: XrayReading) -> None:
        """Begin at once.

        Args:
            reading: Has the text; announces what became known.
        """
        self._reading = reading
        self._known: Past | None = None
        self._wanted: tuple[int, int] | None = None
        self._changed = threading.Condition()
        self._task = BackgroundTask("influence", self._work)

    def legend(self) -> tuple[str, Sequence[str]]:
        """Whose past is colored, and the shares of the largest influence."""
        known = self._known
        if known is None:
            return tr("influence: reading …"), ("",) * 5
        if known.problem:
            return tr("influence: {problem}", problem=known.problem), ("",) * 5
        number = known.position + 1
        head = tr("influence on character {number:,}, of the largest", number=number)
        return head, INFLUENCE_WORDS

    def level(self, branch: int, position: int) -> int | None:
        """The level of a character before the one that is looked at."""
        known = self._known
        if known is None or known.branch != branch:
            return None
        distance = known.position - position
        if not 0 < distance <= len(known.influence):
            return None
        share = known.influence[distance - 1] / known.influence.max()
        return INFLUENCE_SCALE.level(float(share))

    def want(self, passages: Sequence[Stretch]) -> None:
        """Go back from the character that is looked at, which is the first that is wanted."""
        if passages:
            with self._changed:
                self._wanted = passages[0].branch, passages[0].start
                self._changed.notify()

    def line(self, branch: int, position: int) -> str:
        """From where on little influence is left."""
        known = self._known
        if known is None or known.problem or (known.branch, known.position) != (branch, position):
            return ""
        half, tenth = (_back(distance) for distance in known.distances)
        return tr("under a half from {half}, a tenth from {tenth} back", half=half, tenth=tenth)

    def rows(self, branch: int, position: int, width: int, height: int) -> list[Content]:  # noqa: ARG002
        """The same as a row."""
        line = self.line(branch, position)
        return [Content(line)][:height] if line else []

    def close(self) -> None:
        """Compute no more."""
        self._task.cancel()
        with self._changed:
            self._changed.notify()

    def _work(self, task: BackgroundTask) -> None:
        generation = self._reading.generation
        if generation.tape is None:
            return
        while True:
            place, began = self._next_place(task), time.monotonic()
            self._known = past = find_past(generation, generation.tape, *place)
            start = max(past.position - FARTHEST, 0)
            self._reading.announce(Stretch(past.branch, start, past.position + 1))
            if generation.is_active:  # which would be slow for as long as much is computed
                task.wait(3 * (time.monotonic() - began))

    def _next_place(self, task: BackgroundTask) -> tuple[int, int]:
        with self._changed:
            while True:
                task.check()
                known, wanted = self._known, self._wanted
                if wanted is not None and (
                    known is None or (known.branch, known.position) != wanted
                ):
                    return wanted
                self._changed.wait()


def find_past(generation: GenerationThread, tape: Tape, branch: int, position: int) -> Past:
    """What a character depends on, up to `FARTHEST` characters back.

    Args:
        generation: Finds the state before the first of them.
        tape: Has the characters.
        branch: The continuation.
        position: Of the character on it.
    """
    nothing = np.zeros(0)
    tree, model = tape.tree, tape.stream.model
    reach = min(position, FARTHEST)
    if not reach:
        return Past(branch, position, nothing, tr("nothing comes before the first character"))
    begin = position - reach + 1
    held = tree.holder(branch, position).clamps_at(position)
    if held or tree.holder(branch, begin).clamps_at(begin):
        return Past(branch, position, nothing, tr("not computed while a neuron is clamped"))
    moment = generation.moment(branch, begin)
    if moment is None:
        return Past(branch, position, nothing, tr("there is no such character any more"))
    indices = np.array([moment.state.unread, *tree.indices(branch, begin, position + 1)], np.intp)
    end = model.vocabulary.end_index
    ends = np.flatnonzero(indices[:-1] == (-1 if end is None else end))
    if len(ends):  # everything was forgotten before
        indices = indices[ends[-1] :]
        reach = len(indices) - 1
    try:
        state = None if len(ends) else moment.state.network
        passage = Passage(model.weights, model.config, indices, state)
        found = passage.influence(np.array([reach]), reach).inputs[0]
    except CharRNNError:
        found = np.full(1, np.nan)
    if not np.isfinite(found).all() or not found.max() > 0:
        return Past(branch, position, nothing, tr("the gradients are not finite numbers"))
    return Past(branch, position, found)


def _back(distance: int | None) -> str:
    return tr("over {count}", count=FARTHEST) if distance is None else f"{distance:,}"
