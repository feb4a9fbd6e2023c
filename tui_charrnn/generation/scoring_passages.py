"""The most surprising passages of a text that comes in blocks.

Notation: N characters of a block of text, W = `PASSAGE` characters of a passage.
"""

import heapq
from dataclasses import dataclass
from typing import Final

import numpy as np

from tui_charrnn.generation.scoring import Float64
from tui_charrnn.text.vocabulary import code_points

PASSAGE: Final = 40
"""Characters of a passage; a text that is shorter is one passage."""
_NEWLINE: Final = ord("\n")
_CANDIDATES: Final = 3
"""Candidates that are kept for each passage that is asked for: one that is chosen overlaps two of
the others at most, one in the stretch before its own and one in the stretch after."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Some characters of a text that surprised the model."""

    bits_per_character: float
    """The mean, where an unknown character counts as none at all."""
    offset: int
    """Of its first character in the text, from 0."""
    line: int
    """From 1."""
    column: int
    """Of its first character, from 1."""
    text: str


class SurprisingPassages:
    """Finds the passages whose characters have the most bits, none overlapping another.

    The text is cut into stretches of W places where a passage may begin, and the best of each is a
    candidate.

    Args:
        count: How many passages are wanted.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._best: list[Passage] = []
        self._text = ""
        """Characters in which a passage may still begin."""
        self._bits = np.zeros(0)
        self._offset = 0
        """Of the first of them."""
        self._line, self._column = 1, 1

    def add(self, block: str, bits: Float64) -> None:
        """Look through the next block of N characters, with bits of shape (N,)."""
        self._text += block
        self._bits = np.concatenate([self._bits, np.nan_to_num(bits)])
        places = (len(self._text) - PASSAGE + 1) // PASSAGE * PASSAGE
        if places > 0:
            self._look_through(places)

    def end(self) -> list[Passage]:
        """The passages, the most surprising first."""
        if self._text:
            self._look_through(max(1, len(self._text) - PASSAGE + 1))
        chosen: list[Passage] = []
        for candidate in sorted(self._best, key=_rank):
            if len(chosen) < self._count and not any(_overlap(candidate, one) for one in chosen):
                chosen.append(candidate)
        return chosen

    def _look_through(self, places: int) -> None:
        """Consider all passages that begin at the first so many places, then let these go."""
        length = min(PASSAGE, len(self._text))
        sums = np.concatenate([[0.0], self._bits.cumsum()])
        means = (sums[length:] - sums[:-length])[:places] / length
        stretches = -(-places // PASSAGE)
        padded = np.full(stretches * PASSAGE, -np.inf)
        padded[:places] = means
        rows = padded.reshape(stretches, PASSAGE)
        starts = rows.argmax(axis=1) + PASSAGE * np.arange(stretches)
        wanted = np.argsort(-padded[starts], kind="stable")[: self._count * _CANDIDATES]
        feeds = np.flatnonzero(code_points(self._text[:places]) == _NEWLINE)
        found = [self._passage(int(start), float(padded[start]), feeds) for start in starts[wanted]]
        self._best = heapq.nsmallest(self._count * _CANDIDATES, [*self._best, *found], key=_rank)
        self._line, self._column = self._position(places, feeds)
        self._text, self._bits = self._text[places:], self._bits[places:]
        self._offset += places

    def _passage(self, start: int, mean: float, feeds: np.ndarray) -> Passage:
        line, column = self._position(start, feeds)
        text = self._text[start : start + PASSAGE]
        return Passage(mean, self._offset + start, line, column, text)

    def _position(self, place: int, feeds: np.ndarray) -> tuple[int, int]:
        """Line and column of a place, given where the line feeds before and after it are."""
        before = int(np.searchsorted(feeds, place))
        if not before:
            return self._line, self._column + place
        return self._line + before, place - int(feeds[before - 1])


def _rank(passage: Passage) -> tuple[float, int]:
    return -passage.bits_per_character, passage.offset


def _overlap(one: Passage, other: Passage) -> bool:
    return abs(one.offset - other.offset) < PASSAGE
