"""Which characters may come next, whatever the model thinks of them.

A constraint takes characters away before one is chosen, by the text so far: letters that were
forbidden, jamo that no syllable can go on with, the beginnings of lines. A constraint that would
leave nothing is not obeyed: a text never ends in an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tui_charrnn.hangul import FINALS, INITIALS, MEDIALS, spelled_in

if TYPE_CHECKING:
    from tui_charrnn.model.checkpoint import Model
    from tui_charrnn.model.weights import Float32
    from tui_charrnn.sampling_config import SamplingConfig

Bool = npt.NDArray[np.bool_]

_SHORTEST_LINE: Final = 4  # characters of a line of an acrostic at least
_LINE: Final = 24  # characters of such a line after which it ends with its sentence
_LONGEST_LINE: Final = 60  # characters of such a line after which it ends with a word
_SENTENCE_ENDS: Final = frozenset(".!?。…")


class LinePlace(NamedTuple):
    """Where in its lines a generated text stands."""

    line: int = 0
    """Line feeds so far; -1 in the last line of a seed text, which the text has not left."""
    column: int = 0
    """Characters since the last line feed, as far as they were generated."""


START: Final = LinePlace()
"""Where a text stands that has nothing before it."""


class Constraints:
    """What a model may say under settings, given the text so far."""

    def __init__(self, model: Model) -> None:
        vocabulary = model.vocabulary
        self._characters: Final = vocabulary.characters
        self._known: Final = frozenset(self._characters) - {vocabulary.unknown_symbol}
        self._is_jamo: Final = model.units == "jamo"
        self._all: Final = self._mask(self._known)
        self._initial = self._mask(INITIALS)
        self._medial, self._final = self._mask(MEDIALS), self._mask(FINALS)
        self._feed: Final = self._characters.find("\n")
        self._end: Final = vocabulary.end_index
        self._is_end: Final = np.arange(len(self._characters)) == self._end
        self._of: SamplingConfig | None = None
        self._base = self._all
        self._only_syllables = False
        """Whether the settings have no rule but that of possible syllables."""
        self._penalties = self._syllable_penalties() if self._is_jamo else []
        """What that rule adds to the scores after each character, and at last after none."""

    def place_after(self, newest: int | None) -> LinePlace:
        """Where a text stands that begins after a character; None if nothing is before it."""
        return LinePlace(0 if newest in {None, self._feed, self._end} else -1)

    def moved(self, place: LinePlace, index: int) -> LinePlace:
        """Where a text stands after one more character."""
        if index == self._end:
            return START
        line, column = place
        return LinePlace(line + 1) if index == self._feed else LinePlace(line, column + 1)

    def is_complete(self, sampling: SamplingConfig, place: LinePlace) -> bool:
        """Whether a text has all lines that were asked for."""
        return sampling.acrostic is not None and place.line >= len(sampling.acrostic)

    def unknown(self, sampling: SamplingConfig) -> str:
        """The characters of an acrostic and of the line starts that the model cannot write."""
        wanted = dict.fromkeys((sampling.acrostic or "") + (sampling.line_starts or ""))
        return "".join(each for each in wanted if not spelled_in(self._known, each))

    def leave_nothing(self, sampling: SamplingConfig) -> bool:
        """Whether `allow` and `forbid` take all characters away; then they are not obeyed."""
        return not (self._left(sampling) & ~self._is_end).any()

    def apply(
        self, logits: Float32, sampling: SamplingConfig, recent: Sequence[int], place: LinePlace
    ) -> Float32:
        """The scores, shape (V,), those of characters that must not come as -inf.

        The recent characters come by number, the newest last.

        Returns:
            A new array, or the same where everything may come.
        """
        if sampling is not self._of:
            self._of, self._base = sampling, self._of_letters(sampling)
            self._only_syllables = not sampling.is_constrained
        if self._only_syllables:
            if not self._is_jamo or sampling.hangul != "valid":
                return logits
            return logits + self._penalties[recent[-1] if recent else -1]
        allowed = self._allowed(self._base, sampling, recent, place)
        return np.where(allowed, logits, -np.inf)

    def forbidden(
        self, sampling: SamplingConfig, recent: Sequence[int], place: LinePlace
    ) -> frozenset[int]:
        """The numbers of the characters that must not come; for any thread, as nothing is kept.

        Arguments are those of `apply`.
        """
        if not sampling.is_constrained and not self._is_jamo:
            return frozenset()
        allowed = self._allowed(self._of_letters(sampling), sampling, recent, place)
        return frozenset(np.flatnonzero(self._all & ~allowed).tolist())

    def _allowed(
        self, base: Bool, sampling: SamplingConfig, recent: Sequence[int], place: LinePlace
    ) -> Bool:
        allowed = base
        for mask in self._masks(sampling, recent, place):
            both = allowed & mask
            if both.any():
                allowed = both
        return allowed

    def _masks(
        self, sampling: SamplingConfig, recent: Sequence[int], place: LinePlace
    ) -> Iterator[Bool]:
        """What may come here by each rule, the most important first."""
        newest = self._characters[recent[-1]] if recent else ""
        if self._is_jamo and sampling.hangul == "valid":
            yield self._syllable_mask(newest)
        if self._is_jamo and (sampling.allow or sampling.forbid):
            yield from self._masks_of_syllables(sampling, recent)
        if sampling.acrostic is not None and 0 <= place.line + 1 <= len(sampling.acrostic):
            yield from self._acrostic_masks(sampling.acrostic, newest, place)
        elif sampling.line_starts is not None and place.line >= 0:
            starts = [spelled_in(self._known, each) for each in sampling.line_starts]
            line = tuple(recent)[-place.column :] if place.column else ()
            begun = "".join(self._characters[index] for index in line)
            rest = [start[place.column :] for start in starts if start and start.startswith(begun)]
            if rest:
                mask = self._mask({each[0] for each in rest if each})
                # a syllable that is there gets no final: it would be another one
                yield mask | ~self._final if "" in rest else mask

    def _syllable_penalties(self) -> list[Float32]:
        masks = (self._syllable_mask(newest) & self._all for newest in [*self._characters, ""])
        return [
            np.where(mask if mask.any() else self._all, 0, -np.inf).astype(np.float32)
            for mask in masks
        ]

    def _syllable_mask(self, newest: str) -> Bool:
        """What a syllable can go on with: a medial after an initial, a final after a medial."""
        if newest in INITIALS:
            return self._medial
        return ~(self._medial if newest in MEDIALS else self._medial | self._final)

    def _masks_of_syllables(
        self, sampling: SamplingConfig, recent: Sequence[int]
    ) -> Iterator[Bool]:
        """What the syllable that the text ends in may go on with, to be one that may come."""
        end = "".join(self._characters[index] for index in tuple(recent)[-2:])
        begun = end if end[:1] in INITIALS and end[1:] in MEDIALS else end[-1:]
        begun = begun if begun[:1] in INITIALS else ""
        if sampling.allow is not None:
            spelled = [spelled_in(self._known, each) for each in sampling.allow]
            mask = self._mask({
                each[len(begun)] for each in spelled if each[: len(begun)] == begun != each
            })
            is_whole = not begun or begun in spelled
            yield mask | self._mask({each[:1] for each in spelled}) if is_whole else mask
        for each in sampling.forbid or "":
            spelled_out = spelled_in(self._known, each)
            if spelled_out and spelled_out == begun:
                yield self._final
            elif len(spelled_out) == 3 and spelled_out[:2] == begun:
                yield ~self._mask({spelled_out[-1]})

    def _acrostic_masks(self, acrostic: str, newest: str, place: LinePlace) -> Iterator[Bool]:
        is_feed = np.arange(len(self._characters)) == self._feed
        if place.line < 0:
            yield is_feed
        elif place.line < len(acrostic):
            start = spelled_in(self._known, acrostic[place.line])
            if place.column < len(start):
                yield self._mask({start[place.column]})
                return
            if place.column == len(start):
                yield ~self._final  # it would make another syllable of it
            length = place.column // (2 if self._is_jamo else 1)
            if length < _SHORTEST_LINE:
                yield ~is_feed
            ends_sentence = length >= _LINE and newest in _SENTENCE_ENDS
            if ends_sentence or (length >= _LONGEST_LINE and newest == " "):
                yield is_feed

    def _of_letters(self, sampling: SamplingConfig) -> Bool:
        return self._all if self.leave_nothing(sampling) else self._left(sampling)

    def _left(self, sampling: SamplingConfig) -> Bool:
        """What `allow` and `forbid` leave, and the end of a record."""
        allowed = self._all
        if sampling.allow is not None:
            allowed = self._mask(self._parts(sampling.allow)) | self._is_end
        if sampling.forbid is not None:
            parts = self._parts(sampling.forbid)
            # of a syllable in jamo not each of its letters is forbidden; see `_masks_of_syllables`
            allowed = allowed & ~self._mask(
                parts & set(sampling.forbid) if self._is_jamo else parts
            )
        return allowed

    def _parts(self, characters: str) -> set[str]:
        return {part for each in characters for part in spelled_in(self._known, each)}

    def _mask(self, characters: Iterable[str]) -> Bool:
        wanted = frozenset(characters)
        return np.array([each in wanted for each in self._characters])
