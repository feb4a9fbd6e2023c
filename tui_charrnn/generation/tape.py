"""The tape: a recording of a stream that can be rewound and continued in branches.

A character takes 12 bytes, for its index and its probability. The network's state is stored at
every 16th character, and more sparsely in a long text, within a fixed budget. States in between are
recomputed from the stored ones by the same operations, so they are bit-identical.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Final, NamedTuple

from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.constraints import LinePlace
from tui_charrnn.generation.lstm import Stepper
from tui_charrnn.generation.neuron import Clamp
from tui_charrnn.generation.sampling import distribution, surprise
from tui_charrnn.generation.stream import (
    LONGEST_WINDOW,
    CharacterStream,
    GeneratedCharacter,
    StreamState,
)
from tui_charrnn.generation.tree import Branch, DrawsFrom, Tree
from tui_charrnn.model.weights import Float32, Float64
from tui_charrnn.text.vocabulary import Vocabulary

BUDGET: Final = 64 << 20
"""Most bytes of all stored states; beyond it every second state is dropped."""


class KeptStates:
    """Stored network states by branch and position, evenly spaced.

    The state of position p is that of a stream after p characters: the network has not read the
    newest of them yet.
    """

    def __init__(self, origin: Float32) -> None:
        """Store the first state, shape (S,), which is never dropped; others within `BUDGET`."""
        self.stride = 16
        """Characters from one state to the next; doubled when the budget is exceeded."""
        self._states = {(0, 0): origin}
        self._most = max(1, BUDGET // origin.nbytes)

    def __len__(self) -> int:
        return len(self._states)

    def shrink(self, budget: int) -> None:
        """Lower the budget to `budget` bytes and drop states beyond it."""
        self._most = min(self._most, max(1, budget // self._states[0, 0].nbytes))
        self._thin()

    def offer(self, branch: int, position: int, state: Float32) -> None:
        """Store a copy of a state if its position is a multiple of the stride."""
        if position % self.stride or (branch, position) in self._states:
            return
        self._states[branch, position] = state.copy()
        self._thin()

    def _thin(self) -> None:
        while len(self._states) - 1 > self._most:
            self.stride *= 2
            self._states = {
                key: state for key, state in self._states.items() if not key[1] % self.stride
            }

    def nearest(self, lineage: Iterable[tuple[Branch, int]], position: int) -> tuple[int, Float32]:
        """Return the place of the last stored state at or before a position, and the state.

        `lineage` is `Tree.lineage`; the state must not be modified.
        """
        for branch, end in lineage:
            last = min(end, position)
            for stored in range(last - last % self.stride, branch.start - 1, -self.stride):
                state = self._states.get((branch.number, stored))
                if state is not None:
                    return stored, state
        return 0, self._states[0, 0]


_PLAIN: Final = SamplingConfig(temperature=1)


@dataclass(frozen=True, slots=True)
class Alternative:
    """A possible character at a position."""

    character: str
    index: int
    """Its index in the vocabulary."""
    probability: float
    """Under the settings of that position; 0 if it was filtered out."""
    model_probability: float
    """Under the model: at temperature 1, without penalty and filters."""
    is_forbidden: bool = False
    """Whether a constraint masks it, such as `forbid`; filters do not count."""


class TapePosition(NamedTuple):
    """A position of a text, with the state, logits and settings before its character."""

    state: StreamState
    """State of a stream at this position."""
    logits: Float32
    """Logits of all characters, shape (V,)."""
    sampling: SamplingConfig
    """The settings that the character was sampled with; at the end of a text the current ones."""
    probabilities: Float64
    """Of all characters under these settings, shape (V,)."""
    chosen: int | None
    """Index of the character at this position; None at the end of a text."""
    was_taken: bool
    """Whether the user chose the character instead of sampling it."""
    forbidden: frozenset[int]
    """Indices of the characters that a constraint masks; see `Constraints`."""

    @property
    def surprise(self) -> float | None:
        """-log2 of the character's probability under the model, in bits; None at the end."""
        return None if self.chosen is None else surprise(self.logits, self.chosen)

    def alternatives(self, vocabulary: Vocabulary) -> list[Alternative]:
        """Return all characters, the likeliest under the settings first.

        A forbidden character is ranked by its model probability. The unknown symbol is left out.
        """
        own = distribution(self.logits, _PLAIN)

        def rank(index: int) -> tuple[float, float]:
            weights = own if index in self.forbidden else self.probabilities
            return -weights[index], -own[index]

        order = sorted(range(len(own)), key=rank)
        return [
            Alternative(
                vocabulary.characters[index],
                index,
                float(self.probabilities[index]),
                float(own[index]),
                index in self.forbidden,
            )
            for index in order
            if index != vocabulary.unknown_index
        ]


class Tape:
    """Records a stream as a tree of branches.

    The tape drives the stream: get characters from the tape, not from the stream;
    `stream.sampling` and `stream.clamps` may change at any time. One thread may generate while
    another calls `position_at`.
    """

    def __init__(self, stream: CharacterStream, seed_text: str = "") -> None:
        """Start at a primed stream that has generated nothing yet.

        `seed_text` is the seed text as the stream read it.
        """
        self.stream: Final = stream
        self.seed_text: Final = seed_text
        self.origin: Final = stream.snapshot()
        """State of the stream after the seed text."""
        self.seed_clamps: Final[tuple[Clamp, ...]] = stream.clamps
        """The clamps while the seed text was read."""
        draws = DrawsFrom(0, self.origin.rng_seed, self.origin.drawn)
        self.tree: Final = Tree(stream.sampling, draws, stream.clamps)
        """All branches; callers may change their names only."""
        self._states = KeptStates(self.origin.network)
        self._stepper = Stepper(stream.weights)
        self._number = self._position = 0
        self.lock: Final = threading.RLock()
        """Hold it to keep other threads from writing to the tape."""

    @property
    def branch(self) -> Branch:
        """The branch that the next character belongs to, or forks from."""
        return self.tree.branches[self._number]

    @property
    def position(self) -> int:
        """Position of the next character."""
        return self._position

    def next(self) -> GeneratedCharacter:
        """Sample the next character and record it, in a new branch if not at a branch's end.

        Raises:
            ModelFileError: If the model's logits are not finite.
        """
        with self.lock:
            return self._record(self.stream.next(), was_taken=False)

    def take(self, index: int) -> GeneratedCharacter:
        """Make the character of an index the next one; see `CharacterStream.take`."""
        with self.lock:
            return self._record(self.stream.take(index), was_taken=True)

    def rewind(self, position: int, number: int | None = None) -> None:
        """Return to a position, with its network state and random numbers.

        The stream keeps its current settings; `position_at` returns those of the position. Nothing
        is deleted: the next character starts a new branch. A position is from 0 to the branch's
        length; `number` is the branch, by default the current one.

        Raises:
            IndexError: If there is no such branch or position.
        """
        with self.lock:
            number = self._checked(position, number)
            self.stream.restore(self._state_at(number, position))
            self._number, self._position = number, position

    def position_at(self, position: int, number: int | None = None) -> TapePosition:
        """Recompute the state, logits and settings of a position; the stream does not change.

        Arguments and errors are those of `rewind`.
        """
        with self.lock:
            number = self._checked(position, number)
            state = self._state_at(number, position)
            branch = self.tree.holder(number, position)
            is_end = position == self.tree.branches[number].length
            self._stepper.set_clamps(self.stream.clamps if is_end else branch.clamps_at(position))
            logits = self._stepper.read(state.unread).copy()
            sampling = self.stream.sampling if is_end else branch.sampling_at(position)
            return TapePosition(
                state=state,
                logits=logits,
                sampling=sampling,
                probabilities=distribution(
                    self.stream.constraints.apply(logits, sampling, state.recent, state.place),
                    sampling,
                    state.recent,
                    self.stream.model.vocabulary.unknown_index,
                ),
                chosen=None if is_end else branch.indices[position - branch.start],
                was_taken=position in branch.taken,
                forbidden=self.stream.constraints.forbidden(sampling, state.recent, state.place),
            )

    def forbidden(self, position: int, number: int) -> frozenset[int]:
        """Return the indices of the characters that constraints mask, without a network step.

        There must be a character at the position. Another thread may write to the tape meanwhile.
        """
        sampling = self.tree.holder(number, position).sampling_at(position)
        recent, place = self._text_before(number, position, sampling)
        return self.stream.constraints.forbidden(sampling, recent, place)

    def text(self, number: int | None = None, start: int = 0, stop: int | None = None) -> str:
        """Return the text of a branch between two positions, without the seed text.

        Another thread may write to the tape meanwhile.
        """
        number = self._number if number is None else number
        characters = self.stream.model.vocabulary.shown
        return "".join([characters[index] for index in self.tree.indices(number, start, stop)])

    def limit_states(self, budget: int) -> None:
        """Limit the stored states to `budget` bytes; dropped ones are recomputed when needed."""
        with self.lock:
            self._states.shrink(budget)

    def _checked(self, position: int, number: int | None) -> int:
        number = self._number if number is None else number
        if not 0 <= number < len(self.tree.branches):
            raise IndexError(f"There is no branch {number}.")
        length = self.tree.branches[number].length
        if not 0 <= position <= length:
            raise IndexError(f"The branch {number} has {length} characters. Received: {position}.")
        return number

    def _record(self, generated: GeneratedCharacter, *, was_taken: bool) -> GeneratedCharacter:
        branch, position, stream = self.branch, self._position, self.stream
        if position < branch.length:
            branch = self.tree.fork(branch.number, position)
            self._number = branch.number
        if branch.sampling[-1][1] is not stream.sampling:
            branch.sampling.append((position, stream.sampling))
        if branch.clamps[-1][1] != stream.clamps:
            branch.clamps.append((position, stream.clamps))
        drawn = stream.draws.drawn - 1
        last = branch.draws[-1]
        if (last.rng_seed, last.drawn + position - last.position) != (stream.rng_seed, drawn):
            branch.draws.append(DrawsFrom(position, stream.rng_seed, drawn))
        branch.indices.append(generated.index)
        branch.probabilities.append(generated.probability)
        if was_taken:
            branch.taken.append(position)
        self._position = position + 1
        self._states.offer(branch.number, position + 1, stream.network)
        return generated

    def _state_at(self, number: int, position: int) -> StreamState:
        """Return the stream's state at a position; the stepper gets the same network state."""
        tree, origin = self.tree, self.origin
        start, stored = self._states.nearest(tree.lineage(number), position)
        self._stepper.restore(stored)
        first = max(0, start - 1)
        indices = tree.indices(number, first, position)
        unread = [origin.unread, *indices] if start == 0 else indices
        for reached, index in enumerate(unread[:-1], start + 1):
            holder = tree.holder(number, reached - 1)
            self._stepper.set_clamps(holder.clamps_at(reached - 1))
            self._stepper.read(index)
            self._states.offer(holder.number, reached, self._stepper.state)
        holder = tree.holder(number, position)
        draws, sampling = holder.draws_at(position), holder.sampling_at(position)
        recent, place = self._text_before(number, position, sampling)
        return StreamState(
            network=self._stepper.state.copy(),
            unread=unread[-1],
            rng_seed=draws.rng_seed,
            drawn=draws.drawn,
            recent=recent,
            place=place,
        )

    def _text_before(
        self, number: int, position: int, sampling: SamplingConfig
    ) -> tuple[tuple[int, ...], LinePlace]:
        """Return the recent characters before a position, and its line and column if needed."""
        tree, origin = self.tree, self.origin
        recent = tree.indices(number, max(0, position - LONGEST_WINDOW), position)
        recent = [*origin.recent, *recent]
        end = self.stream.model.vocabulary.end_index
        if end in recent:
            del recent[: len(recent) - recent[::-1].index(end)]
        place = origin.place
        if self.stream.sampling.has_lines or sampling.has_lines:
            place = reduce(
                self.stream.constraints.next_place, tree.indices(number, 0, position), place
            )
        return tuple(recent[-LONGEST_WINDOW:]), place
