"""Constrained sampling: which characters are allowed next, given the text so far.

A constraint masks characters before one is sampled: characters outside `allow` or in `forbid`, jamo
that cannot continue a syllable, the first characters of lines. A constraint that would leave no
character is ignored, so generation never fails.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tui_charrnn.config import SamplingConfig
from tui_charrnn.hangul import FINALS, INITIALS, MEDIALS, spelled_in
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import Float32

Bool = npt.NDArray[np.bool_]

_SHORTEST_LINE: Final = 4  # fewest characters of a line of an acrostic
_LINE: Final = 24  # characters from which on such a line ends with its sentence
_LONGEST_LINE: Final = 60  # characters from which on such a line ends with its word
_SENTENCE_ENDS: Final = frozenset(".!?。…")


class LinePlace(NamedTuple):
    """Line and column of the next character of a generated text."""

    line: int = 0
    """Line feeds so far; -1 in the last line of a seed text."""
    column: int = 0
    """Generated characters since the last line feed."""


START: Final = LinePlace()
"""The place of a text that starts with nothing before it."""
_place: Final = partial(tuple.__new__, LinePlace)
"""A `LinePlace` of both numbers, in half the time."""


class Constraints:
    """The constraints of sampling settings, for one model."""

    def __init__(self, model: Model) -> None:
        vocabulary = model.vocabulary
        self._characters: Final = vocabulary.characters
        self._known: Final = frozenset(self._characters) - {vocabulary.unknown_symbol}
        self._is_jamo: Final = model.units == "jamo"
        self._all: Final = self._mask(self._known)
        self._medial, self._final = self._mask(MEDIALS), self._mask(FINALS)
        self._feed: Final = self._characters.find("\n")
        self._end: Final = vocabulary.end_index
        self._is_end: Final = np.arange(len(self._characters)) == self._end
        self._base_settings: SamplingConfig | None = None
        self._base = self._all
        self._only_syllables = False
        """Whether the settings have no constraint but that of valid syllables."""
        self._penalties = self._syllable_penalties() if self._is_jamo else []
        """What that constraint adds to the logits after each character; the last entry: at the
        start of a text."""

    def place_after(self, newest: int | None) -> LinePlace:
        """Return the place of a text that starts after a character; None if nothing is before."""
        return LinePlace(0 if newest in {None, self._feed, self._end} else -1)

    def next_place(self, place: LinePlace, index: int) -> LinePlace:
        """Return the place after one more character."""
        if index == self._end:
            return START
        line, column = place
        return _place((line + 1, 0) if index == self._feed else (line, column + 1))

    def is_complete(self, sampling: SamplingConfig, place: LinePlace) -> bool:
        """Whether a text has all lines of the acrostic."""
        return sampling.acrostic is not None and place.line >= len(sampling.acrostic)

    def unknown(self, sampling: SamplingConfig) -> str:
        """Return the characters of the acrostic and the line starts that the model cannot write."""
        wanted = dict.fromkeys((sampling.acrostic or "") + (sampling.line_starts or ""))
        return "".join(each for each in wanted if not spelled_in(self._known, each))

    def excludes_all(self, sampling: SamplingConfig) -> bool:
        """Whether `allow` and `forbid` leave no character; they are ignored then."""
        return not (self._allowed_letters(sampling) & ~self._is_end).any()

    def apply(
        self, logits: Float32, sampling: SamplingConfig, recent: Sequence[int], place: LinePlace
    ) -> Float32:
        """Return the logits, shape (V,), with -inf for characters that are not allowed.

        `recent` are the indices of the last characters, the newest last. The result is a new array,
        or the same one if every character is allowed.
        """
        if sampling is not self._base_settings:
            self._base_settings, self._base = sampling, self._letter_mask(sampling)
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
        """Return the indices of the characters that are not allowed; thread-safe.

        Arguments are those of `apply`.
        """
        if not sampling.is_constrained and not self._is_jamo:
            return frozenset()
        allowed = self._allowed(self._letter_mask(sampling), sampling, recent, place)
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
        """Yield the mask of allowed characters of each constraint, the most important first."""
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
            prefix = "".join(self._characters[index] for index in line)
            rest = [start[place.column :] for start in starts if start and start.startswith(prefix)]
            if rest:
                mask = self._mask({each[0] for each in rest if each})
                # a final would change a syllable that is complete
                yield mask | ~self._final if "" in rest else mask

    def _syllable_penalties(self) -> list[Float32]:
        masks = (self._syllable_mask(newest) & self._all for newest in [*self._characters, ""])
        return [
            np.where(mask if mask.any() else self._all, 0, -np.inf).astype(np.float32)
            for mask in masks
        ]

    def _syllable_mask(self, newest: str) -> Bool:
        """Return what may follow a jamo: a medial after an initial, a final only after a medial."""
        if newest in INITIALS:
            return self._medial
        return ~(self._medial if newest in MEDIALS else self._medial | self._final)

    def _masks_of_syllables(
        self, sampling: SamplingConfig, recent: Sequence[int]
    ) -> Iterator[Bool]:
        """Yield the masks of jamo that keep the last syllable allowed."""
        end = "".join(self._characters[index] for index in tuple(recent)[-2:])
        partial = end if end[:1] in INITIALS and end[1:] in MEDIALS else end[-1:]
        partial = partial if partial[:1] in INITIALS else ""
        if sampling.allow is not None:
            spelled = [spelled_in(self._known, each) for each in sampling.allow]
            mask = self._mask({
                each[len(partial)] for each in spelled if each[: len(partial)] == partial != each
            })
            is_whole = not partial or partial in spelled
            yield mask | self._mask({each[:1] for each in spelled}) if is_whole else mask
        for each in sampling.forbid or "":
            spelled_out = spelled_in(self._known, each)
            if spelled_out and spelled_out == partial:
                yield self._final
            elif len(spelled_out) == 3 and spelled_out[:2] == partial:
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
                yield ~self._final  # a final would change the syllable
            length = place.column // (2 if self._is_jamo else 1)
            if length < _SHORTEST_LINE:
                yield ~is_feed
            ends_sentence = length >= _LINE and newest in _SENTENCE_ENDS
            if ends_sentence or (length >= _LONGEST_LINE and newest == " "):
                yield is_feed

    def _letter_mask(self, sampling: SamplingConfig) -> Bool:
        return self._all if self.excludes_all(sampling) else self._allowed_letters(sampling)

    def _allowed_letters(self, sampling: SamplingConfig) -> Bool:
        """Return the mask of what `allow` and `forbid` leave, with the end of a record."""
        allowed = self._all
        if sampling.allow is not None:
            allowed = self._mask(self._parts(sampling.allow)) | self._is_end
        if sampling.forbid is not None:
            parts = self._parts(sampling.forbid)
            # a forbidden syllable does not forbid its jamo elsewhere; see `_masks_of_syllables`
            allowed = allowed & ~self._mask(
                parts & set(sampling.forbid) if self._is_jamo else parts
            )
        return allowed

    def _parts(self, characters: str) -> set[str]:
        return {part for each in characters for part in spelled_in(self._known, each)}

    def _mask(self, characters: Iterable[str]) -> Bool:
        wanted = frozenset(characters)
        return np.array([each in wanted for each in self._characters])
