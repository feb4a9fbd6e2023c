"""Round numbers for the ticks of an axis, and how to write them."""

import math
from collections.abc import Iterable, Iterator
from typing import Final

_TIMES: Final = (
    *(1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1_800),
    *(3_600, 7_200, 10_800, 21_600, 43_200),
    *(86_400, 172_800, 432_000, 864_000),
)
"""Seconds of round spans of time."""
_LEADS: Final = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
"""Round first digits, up to a quarter apart or so."""
_MOST: Final = 1_000
"""Ticks that are looked at at most: more than any terminal has cells."""


def round_up(span: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is not below a positive number."""
    power = 10.0 ** math.floor(math.log10(min(max(span, 1e-300), 1e300)))
    return next((power * lead for lead in (1, 2, 5) if power * lead >= span), power * 10)


def round_time_up(seconds: float) -> float:
    """The smallest round span of time that is not below a positive number of seconds."""
    return next((float(span) for span in _TIMES if span >= seconds), round_up(seconds))


def multiples(step: float, low: float, high: float) -> list[float]:
    """All multiples of a number from one place to another; none if they are far too many."""
    if not 0 < step < math.inf or not (high - low) / step < _MOST:
        return []
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def powers(low: float, high: float) -> list[float]:
    """Round numbers between two positive ones, as far apart as they are large."""
    exponents = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    numbers = (lead * 10.0**exponent for exponent in exponents for lead in _LEADS)
    return [number for number in numbers if low <= number <= high]


def number_words(number: float, step: float) -> str:
    """A multiple of a step, as short as the step allows."""
    if number and not 1e-4 <= abs(number) < 1e6:
        return f"{number:.3g}"
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step < 1 else 0
    return f"{number:,.{decimals}f}"


def count_words(number: float, _step: float) -> str:
    """A whole number."""
    return f"{round(number):,}" if abs(number) < 1e15 else f"{number:.3g}"


def time_words(seconds: float, step: float) -> str:
    """A multiple of a round span of time, as short as the span allows: 45s, 10m, 1h30m, 2d."""
    if step < 1 or seconds >= 1e9:
        return f"{number_words(seconds, step)}s"
    amounts = _amounts(round(seconds))
    return "".join(f"{amount}{unit}" for amount, unit in amounts if amount) or "0"


def _amounts(seconds: int) -> Iterator[tuple[int, str]]:
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        amount, seconds = divmod(seconds, length)
        yield amount, unit


def apart(places: Iterable[tuple[int, float]], distance: int) -> list[tuple[int, float]]:
    """Those of some places and numbers that keep their distance from the one kept before."""
    kept: list[tuple[int, float]] = []
    for place, number in places:
        if not kept or abs(place - kept[-1][0]) >= distance:
            kept.append((place, number))
    return kept
