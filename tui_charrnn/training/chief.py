"""The engine of the trainer that writes the run: what it does, it orders all others to do."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Final

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import BrokenClusterError
from tui_charrnn.model.weights import Float32
from tui_charrnn.training.interruption import Interruption
from tui_charrnn.training.joint_engine import JointEngine
from tui_charrnn.training.loop import Batch, BatchResult
from tui_charrnn.training.orders import Order, Task, pack_tensors
from tui_charrnn.training.paths import ComputePath
from tui_charrnn.training.replicas import in_contact
from tui_charrnn.training.replicated_engine import ReplicatedEngine
from tui_charrnn.training.team import Team
from tui_charrnn.training.votes import take_up, vote

LISTENING_INTERVAL: Final = 0.2
"""Seconds after which the others are asked for reasons to leave if no step has asked them."""


class ChiefEngine(JointEngine):
    """A `ReplicatedEngine` whose other processes are in `follow_chief`.

    Args:
        engine: This process's part.
        team: All others.
        interruption: Takes up reasons to leave that come up in any process.
        path: How all of them compute.
    """

    def __init__(
        self, engine: ReplicatedEngine, team: Team, interruption: Interruption, path: ComputePath
    ) -> None:
        super().__init__(engine.first)
        self._engine = engine
        self._team = team
        self._interruption = interruption
        self._heard_at = time.monotonic()
        team.lead(Order(Task.BEGIN, asdict(path)))
        # what is drawn at random is rounded as a processor does it, and theirs may be another
        self.restore(self.model_tensors(), self.training_tensors())
        interruption.ask_others = self._listen

    def train_batch(self, batch: Batch, step: int, learning_rate: float) -> BatchResult:
        """As `ReplicatedEngine.train_batch`, in all processes."""
        self._team.lead(Order(Task.TRAIN, {"step": step, "learning_rate": learning_rate}))
        ours = vote(self._interruption)
        with in_contact(self._team):
            result = self._engine.train_with(ours, batch, step, learning_rate)
        self._hear(self._engine.opinions)
        return result

    def training_tensors(self) -> dict[str, npt.NDArray[np.generic]]:
        """As `Engine.training_tensors`, with the states of all processes.

        Raises:
            BrokenClusterError: If one of them is lost, or there is no memory for it here.
        """
        self._team.lead(Order(Task.GATHER))
        try:
            with in_contact(self._team):
                tensors, is_alike = self._engine.training_tensors(), self._engine.is_alike()
        except MemoryError as error:  # no reason to train on unsaved: the others still gather
            raise BrokenClusterError(
                "There was not enough memory for a copy of the weights and of all states. What was "
                "saved is kept; the same command on all of them goes on from there."
            ) from error
        if not is_alike:  # what is saved is what all go on with
            self.restore(self.model_tensors(), tensors)
        return tensors

    def restore(
        self, weights: Mapping[str, Float32], training: Mapping[str, npt.NDArray[np.generic]]
    ) -> None:
        """Take up what a checkpoint left, in all processes; only this one needs the file.

        Raises:
            RunError: If the checkpoint holds other tensors than this engine needs.
        """
        self._engine.restore(weights, training)  # first: what does not fit is not sent
        self._team.lead(Order(Task.RESTORE, data=pack_tensors(weights, training)))

    def reset(self) -> None:
        """Go back to the state before the first step, in all processes."""
        self.restore(*self._engine.fresh_tensors())

    def _listen(self) -> None:
        """Ask for reasons to leave, unless a step has asked a moment ago."""
        self._team.check()
        if time.monotonic() - self._heard_at < LISTENING_INTERVAL:
            return
        self._team.lead(Order(Task.LISTEN))
        with in_contact(self._team):
            votes = self._engine.ask(vote(self._interruption))
        self._hear(votes)

    def _hear(self, votes: Sequence[float]) -> None:
        take_up(votes, self._interruption)
        self._heard_at = time.monotonic()
