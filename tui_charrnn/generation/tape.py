"""The tape: every character of a stream, to be returned to and continued otherwise.

A character costs 12 bytes, for itself and its probability. What the network remembered is kept at
every 16th character, at fewer of them in a long text, so that all of it together has a bound; what
lies between is computed again from there, by the very same operations, so to the very same bits.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Final, NamedTuple

from tui_charrnn.generation.constraints import LinePlace
from tui_charrnn.generation.lstm import Stepper
from tui_charrnn.generation.sampling import distribution, surprise
from tui_charrnn.generation.stream import (
    LONGEST_WINDOW,
    CharacterStream,
    GeneratedCharacter,
    StreamState,
    recent_of,
)
from tui_charrnn.generation.tree import Branch, DrawsFrom, Tree
from tui_charrnn.model.weights import Float32, Float64
from tui_charrnn.sampling_config import SamplingConfig

if TYPE_CHECKING:
    from tui_charrnn.generation.neuron import Clamp
    from tui_charrnn.text.vocabulary import Vocabulary


BUDGET: Final = 64 << 20
"""Bytes of all states together, after which every second one is dropped."""


class KeptStates:
    """States by branch and position, at even distances.

    The state of a position is what the network remembers before it reads the character there is
    before that position: what a stream holds after so many characters.
    """

    def __init__(self, origin: Float32) -> None:
        """Keep the first state, shape (S,), for ever, and others within `BUDGET`."""
        self.stride = 16
        """Characters from one state to the next; doubled whenever the budget is spent."""
        self._states = {(0, 0): origin}
        self._most = max(1, BUDGET // origin.nbytes)

    def __len__(self) -> int:
        return len(self._states)

    def shrink(self, budget: int) -> None:
        """Let go of states until no more than so many bytes are kept, now and later."""
        self._most = min(self._most, max(1, budget // self._states[0, 0].nbytes))
        self._thin()

    def offer(self, branch: int, position: int, state: Float32) -> None:
        """Keep a copy of a state if its place is one of those to be kept."""
        if position % self.stride or (branch, position) in self._states:
            return
        self._states[branch, position] = state.copy()
        self._thin()

    def _thin(self) -> None:
        while len(self._states) - 1 > self._most:
            self.stride *= 2
            self._states = {
                place: kept for place, kept in self._states.items() if not place[1] % self.stride
            }

    def nearest(self, lineage: Iterable[tuple[Branch, int]], position: int) -> tuple[int, Float32]:
        """The last state at or before a position of a text; see `Tree.lineage`.

        Returns:
            The position of the state that there is, and the state, not to be written to.
        """
        for branch, end in lineage:
            last = min(end, position)
            for place in range(last - last % self.stride, branch.start - 1, -self.stride):
                state = self._states.get((branch.number, place))
                if state is not None:
                    return place, state
        return 0, self._states[0, 0]


_PLAIN: Final = SamplingConfig(temperature=1)


@dataclass(frozen=True, slots=True)
class Alternative:
    """A character that could come, or could have come, at a place."""

    character: str
    index: int
    """Its number in the vocabulary."""
    probability: float
    """Under the settings of that place; 0 if they had filtered it out."""
    model_probability: float
    """As the model gives it: at temperature 1, without penalty and filters."""
    is_forbidden: bool = False
    """Whether a rule took it away, such as `forbid`, and no filter."""


class TapePosition(NamedTuple):
    """A place of a text: all that was known before its character was chosen."""

    position: int
    state: StreamState
    """What a stream holds here."""
    logits: Float32
    """The scores of all characters, shape (V,)."""
    sampling: SamplingConfig
    """The settings that the choice was made by; at the end of a text those of the next."""
    probabilities: Float64
    """Of all characters under these settings, shape (V,)."""
    chosen: int | None
    """The number of the character that came; None at the end of a text."""
    was_taken: bool
    """Whether it was not drawn but taken at somebody's word."""
    forbidden: frozenset[int]
    """The numbers of the characters that a rule took away; see `Constraints`."""

    @property
    def surprise(self) -> float | None:
        """-log2 of what the model itself gave the character, in bits; None at the end."""
        return None if self.chosen is None else surprise(self.logits, self.chosen)

    def alternatives(self, vocabulary: Vocabulary) -> list[Alternative]:
        """All characters that could stand here, the likeliest under the settings first.

        One that is forbidden stands where the model's own probability puts it. The unknown symbol
        is none: it is never chosen.
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
    """Records a stream as a tree of continuations.

    The tape drives the stream: ask the tape for characters, and change `stream.sampling` and
    `stream.clamps` as you like. One thread may ask for characters while another one looks at
    moments.
    """

    def __init__(self, stream: CharacterStream, seed_text: str = "") -> None:
        """Begin where a primed stream stands that has generated nothing yet.

        The seed text, as the stream read it, is saved with the tape.
        """
        self.stream: Final = stream
        self.seed_text: Final = seed_text
        self.origin: Final = stream.snapshot()
        """Where the stream stood after the seed text."""
        self.seed_clamps: Final[tuple[Clamp, ...]] = stream.clamps
        """The neurons that were held while it read the seed text."""
        draws = DrawsFrom(0, self.origin.rng_seed, self.origin.drawn)
        self.tree: Final = Tree(stream.sampling, draws, stream.clamps)
        """All continuations; to be read, and their names to be written."""
        self._states = KeptStates(self.origin.network)
        self._stepper = Stepper(stream.weights)
        self._number = self._position = 0
        self.lock: Final = threading.RLock()
        """Who holds it lets no other thread write to the tape."""

    @property
    def branch(self) -> Branch:
        """The continuation that the next character belongs to, or from which it forks."""
        return self.tree.branches[self._number]

    @property
    def position(self) -> int:
        """Where the next character will stand."""
        return self._position

    def next(self) -> GeneratedCharacter:
        """Draw the next character and record it; before the end of a branch, in a new one.

        Raises:
            ModelFileError: If the model's scores are not finite numbers.
        """
        with self.lock:
            return self._record(self.stream.next(), was_taken=False)

    def take(self, index: int) -> GeneratedCharacter:
        """Let the next character be a certain one; see `CharacterStream.take`."""
        with self.lock:
            return self._record(self.stream.take(index), was_taken=True)

    def rewind(self, position: int, number: int | None = None) -> None:
        """Stand before a character again, with the state and the random numbers of that place.

        The stream's settings stay as they are now; `moment` tells those that held there. Nothing is
        lost: the next character begins a new branch. A position counts from 0 to the branch's
        length, which is its end; the branch is the present one unless another is named.

        Raises:
            IndexError: If there is no such place.
        """
        with self.lock:
            number = self._checked(position, number)
            self.stream.restore(self._state_at(number, position))
            self._number, self._position = number, position

    def moment(self, position: int, number: int | None = None) -> TapePosition:
        """What was known at a place, computed again; the stream stays where it is.

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
                position=position,
                state=state,
                logits=logits,
                sampling=sampling,
                probabilities=distribution(
                    self.stream.constraints.apply(logits, sampling, state.recent, state.place),
                    sampling,
                    recent_of(state.recent, sampling),
                    self.stream.model.vocabulary.unknown_index,
                ),
                chosen=None if is_end else branch.indices[position - branch.start],
                was_taken=position in branch.taken,
                forbidden=self.stream.constraints.forbidden(sampling, state.recent, state.place),
            )

    def forbidden(self, position: int, number: int) -> frozenset[int]:
        """The characters that the rules of a place take away, without a step of the network.

        There is a character at the place. Another thread may be writing the tape meanwhile.
        """
        sampling = self.tree.holder(number, position).sampling_at(position)
        recent, place = self._text_before(number, position, sampling)
        return self.stream.constraints.forbidden(sampling, recent, place)

    def text(self, number: int | None = None, start: int = 0, stop: int | None = None) -> str:
        """The text of a branch, from one position to another, without the seed text.

        Another thread may be writing the tape meanwhile.
        """
        number = self._number if number is None else number
        characters = self.stream.model.vocabulary.shown
        return "".join([characters[index] for index in self.tree.indices(number, start, stop)])

    def keep_less(self, budget: int) -> None:
        """Drop states beyond so many bytes, now and later, to be computed again; the text stays."""
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
        if (branch.clamps[-1][1] if branch.clamps else ()) != stream.clamps:
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
        """What a stream holds before a character; the stepper's state is left there."""
        tree, origin = self.tree, self.origin
        start, kept = self._states.nearest(tree.lineage(number), position)
        self._stepper.state[:] = kept
        first = max(0, start - 1)
        indices = tree.indices(number, first, position)
        unread = [origin.unread, *indices] if start == 0 else indices
        for place, index in enumerate(unread[:-1], start + 1):
            holder = tree.holder(number, place - 1)
            self._stepper.set_clamps(holder.clamps_at(place - 1))
            self._stepper.read(index)
            self._states.offer(holder.number, place, self._stepper.state)
        holder = tree.holder(number, position)
        draws, sampling = holder.draws_at(position), holder.sampling_at(position)
        recent, lines = self._text_before(number, position, sampling)
        return StreamState(
            network=self._stepper.state.copy(),
            unread=unread[-1],
            rng_seed=draws.rng_seed,
            drawn=draws.drawn,
            recent=recent,
            place=lines,
        )

    def _text_before(
        self, number: int, position: int, sampling: SamplingConfig
    ) -> tuple[tuple[int, ...], LinePlace]:
        """The characters of its text before a place, and where it stands if lines count."""
        tree, origin = self.tree, self.origin
        recent = tree.indices(number, max(0, position - LONGEST_WINDOW), position)
        recent = [*origin.recent, *recent]
        end = self.stream.model.vocabulary.end_index
        if end in recent:
            del recent[: len(recent) - recent[::-1].index(end)]
        place = origin.place
        if self.stream.sampling.has_lines or sampling.has_lines:
            place = reduce(self.stream.constraints.moved, tree.indices(number, 0, position), place)
        return tuple(recent[-LONGEST_WINDOW:]), place
