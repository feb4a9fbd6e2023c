"""What a model expected of the characters of a tape, at any place of it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import numpy as np

from tui_charrnn.generation.lstm import Stepper
from tui_charrnn.generation.scoring import quiet
from tui_charrnn.generation.tape import Tape, TapePosition
from tui_charrnn.lens.prediction import Predictions, predict_each
from tui_charrnn.lens.probe import Probe
from tui_charrnn.lens.trace import LayerView, view_layers
from tui_charrnn.model.weights import Float32

Look = Callable[[int, int], TapePosition | None]
"""The state on a branch at a position; None if there is no such place."""


class TapeReader:
    """Reads passages of a tape again, with the weights and the state that generated them.

    A passage that continues where the last one ended costs one step a character; another one the
    few steps more from the last state that the tape kept. Not for several threads at once.
    """

    def __init__(self, tape: Tape, look: Look, alternatives: int) -> None:
        """Have read nothing yet.

        Args:
            tape: Another thread may be writing it.
            look: Finds a place of it.
            alternatives: How many of the likeliest characters are kept of each place.
        """
        self._tree: Final = tape.tree
        self._look = look
        self._alternatives = alternatives
        self._stepper = Stepper(tape.stream.weights)
        self._at: tuple[int, int] | None = None
        """Branch and position before which the stepper stands."""
        self._unread = 0
        """The character before that position, which the stepper has not read yet."""
        self.values: list[float] = []
        """What the probe of the last `read` had after each character; empty without a probe."""

    @property
    def at(self) -> tuple[int, int] | None:
        """Branch and position from which reading on costs least; None before the first."""
        return self._at

    def read(
        self, number: int, start: int, stop: int, probe: Probe | None = None
    ) -> Predictions | None:
        """Read the characters of a branch from one position to another.

        Args:
            number: The branch.
            start: Position of the first.
            stop: The position after the last; there is a character before it.
            probe: What is put into `values`.

        Returns:
            What was expected of each; None if there is no such place.

        Raises:
            ModelFileError: If the model's scores are not finite numbers.
        """
        stepper = self._stepper
        if self._at != (number, start):
            moment = self._look(number, start)
            if moment is None:
                return None
            stepper.state[:] = moment.state.network
            self._unread = moment.state.unread
        self._at = None  # until all is read: what is broken off cannot be gone on with
        self.values = []
        indices = self._tree.indices(number, start, stop)
        logits = np.empty((len(indices), len(stepper.logits)), np.float32)
        for place, index in enumerate(indices):
            self._step(number, start + place)
            logits[place] = stepper.logits
            if probe is not None and place:
                self.values.append(probe.value(stepper.layers))
            self._unread = index
        self._at = number, start + len(indices)
        if probe is not None:
            with self._one_step_on():
                self.values.append(probe.value(stepper.layers))
        return predict_each(logits, np.array(indices, np.intp), self._alternatives)

    def views(self) -> tuple[LayerView, ...]:
        """States and gates of the step in which the last character of the last `read` was read."""
        with self._one_step_on():
            return view_layers(self._stepper.layers)

    @contextmanager
    def _one_step_on(self) -> Iterator[None]:
        """Have the network read the last character as well, and stand before it again after that.

        The scores that this makes are not used.
        """
        before = self._stepper.state.copy()
        if self._at is not None:
            self._step(*self._at)
        try:
            yield
        finally:
            self._stepper.state[:] = before

    def _step(self, number: int, position: int) -> None:
        """Read what stands before a position, with the neurons held that are held for it."""
        self._stepper.hold(self._tree.holder(number, position).clamps_at(position))
        with quiet():
            self._stepper.read(self._unread)


def predictions_of(logits: Sequence[Float32], came: Sequence[int], count: int) -> Predictions:
    """What was expected of characters whose scores were kept as they were chosen.

    Args:
        logits: The scores, N of shape (V,); N is 1 at least.
        came: The numbers of the characters that came, N of them.
        count: How many of the likeliest are wanted.

    Raises:
        ModelFileError: If the scores are not finite numbers.
    """
    return predict_each(np.stack(logits), np.array(came, np.intp), count)
