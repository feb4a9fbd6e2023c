"""The random numbers of a text: one a character, each of which is found by its place.

They are those of NumPy's `Philox`. Loading `numpy.random` would take longer than all else that the
first character waits for beside NumPy itself, so the few lines of it stand here.
"""

import itertools
import os
from collections.abc import Iterator
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

_UInt64: TypeAlias = npt.NDArray[np.uint64]

_WORDS: Final = 4
"""Numbers that Philox makes of one value of its counter."""
_AT_ONCE: Final = 512
"""Values of the counter that are taken together."""
_ROUNDS: Final = 10
_LOW: Final = np.uint64(0xFFFFFFFF)
_HALF: Final = np.uint64(32)
_MULTIPLIERS: Final = np.array([[0xD2E7470EE14C6C93], [0xCA5A826395121157]], np.uint64)
_MULTIPLIERS_LOW: Final = _MULTIPLIERS & _LOW
_MULTIPLIERS_HIGH: Final = _MULTIPLIERS >> _HALF
_BUMPS: Final = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
"""What the two halves of the key grow by from round to round."""


class RandomStream:
    """A sequence of uniform numbers that an RNG seed names for ever.

    Source:
        Salmon et al. (2011), Philox 4x64: it counts, so any place is reached at once.
    """

    def __init__(self, rng_seed: int, drawn: int = 0) -> None:
        """Stand at a place of the sequence.

        Args:
            rng_seed: Names the sequence; not negative.
            drawn: How many numbers are passed over.
        """
        self.rng_seed: Final = rng_seed
        self.drawn = drawn
        """How many numbers were drawn, or passed over."""
        self._coming = self._numbers(_key_of(rng_seed))

    def next(self) -> float:
        """One number in [0, 1).

        It is the high 53 bits of one raw draw, whose stream NumPy never changes.
        """
        self.drawn += 1
        return next(self._coming)

    def skip(self) -> None:
        """Pass over one number."""
        self.next()

    def _numbers(self, key: tuple[int, int]) -> Iterator[float]:
        """All numbers from here on, computed some at a time."""
        first, passed = divmod(self.drawn, _WORDS)
        counters = itertools.count(first + 1, _AT_ONCE)  # NumPy counts before it draws
        coming = itertools.chain.from_iterable(_block(counter, key) for counter in counters)
        return itertools.islice(coming, passed, None)


def fresh_rng_seed() -> int:
    """An unpredictable RNG seed, short enough to be typed again."""
    return int.from_bytes(os.urandom(4))


def _block(counter: int, key: tuple[int, int]) -> list[float]:
    """The numbers of `_AT_ONCE` values of the counter, which is below 2^64."""
    left = np.zeros((2, _AT_ONCE), np.uint64)
    right = np.zeros_like(left)
    left[0] = np.arange(counter, counter + _AT_ONCE, dtype=np.uint64)
    for turn in range(_ROUNDS):
        halves = [[(half + turn * bump) % 2**64] for half, bump in zip(key, _BUMPS, strict=True)]
        high, low = _product(left)
        left, right = high[::-1] ^ right ^ np.array(halves, np.uint64), low[::-1]
    raw = np.stack([left[0], right[0], left[1], right[1]], axis=1).ravel()
    numbers: list[float] = ((raw >> np.uint64(11)) * 2.0**-53).tolist()
    return numbers


def _product(factors: _UInt64) -> tuple[_UInt64, _UInt64]:
    """The high and the low 64 bits of each factor times the multiplier of its row."""
    low, high = factors & _LOW, factors >> _HALF
    middle = high * _MULTIPLIERS_LOW + (low * _MULTIPLIERS_LOW >> _HALF)
    other = low * _MULTIPLIERS_HIGH + (middle & _LOW)
    top = high * _MULTIPLIERS_HIGH + (middle >> _HALF) + (other >> _HALF)
    return top, factors * _MULTIPLIERS


def _key_of(rng_seed: int) -> tuple[int, int]:
    """The key that NumPy's `SeedSequence` makes of a seed: 32-bit words, mixed with each other.

    Source:
        O'Neill (2015), "Developing a seed_seq Alternative".
    """
    size = -(-rng_seed.bit_length() // 32)
    words = [rng_seed >> 32 * place & 0xFFFFFFFF for place in range(max(size, _WORDS))]
    mixed = _Hash(0x43B0D7E5, 0x931E8875)
    pool = [mixed.of(word) for word in words[:_WORDS]]
    for source in range(_WORDS):
        for place in range(_WORDS):
            if place != source:
                pool[place] = _mixed(pool[place], mixed.of(pool[source]))
    for word in words[_WORDS:]:
        pool = [_mixed(value, mixed.of(word)) for value in pool]
    told = _Hash(0x8B51F9DD, 0x58F38DED)
    low, high, next_low, next_high = map(told.of, pool)
    return low | high << 32, next_low | next_high << 32


class _Hash:
    """A hash of 32 bits whose factor is another one for every value."""

    def __init__(self, factor: int, growth: int) -> None:
        self._factor = factor
        self._growth = growth

    def of(self, value: int) -> int:
        value ^= self._factor
        self._factor = self._factor * self._growth & 0xFFFFFFFF
        value = value * self._factor & 0xFFFFFFFF
        return value ^ value >> 16


def _mixed(value: int, other: int) -> int:
    value = 0xCA01F9DD * value - 0x4973F715 * other & 0xFFFFFFFF
    return value ^ value >> 16
