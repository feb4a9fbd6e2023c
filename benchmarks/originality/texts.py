"""Corpora of any length that repeat themselves as real ones do."""

import random
from collections import defaultdict
from typing import Final

_CONTEXT: Final = 8
"""Characters that decide where a text may go on."""
_MEAN_STRETCH: Final = 8
"""Characters, on average, until it may go on from another place."""


def resample(base: str, characters: int, *, rng_seed: int = 0) -> str:
    """A longer text with the passages of a text in another order.

    After stretches of 1 to some dozens of characters, it goes on from any place of the base that
    has the same 8 characters before it. So passages of all lengths come again, as in a corpus of
    one kind, and some of hundreds of characters, as where 8 characters have but one place.

    Args:
        base: At least 9 characters.
        characters: How many there shall be.
        rng_seed: Of the choices.
    """
    places = defaultdict(list)
    for place in range(_CONTEXT, len(base)):
        places[base[place - _CONTEXT : place]].append(place)
    rng = random.Random(rng_seed)  # noqa: S311  no secret depends on it
    context = base[:_CONTEXT]
    pieces, length = [context], len(context)
    while length < characters:
        # the end of the base may have no place that goes on: then from the beginning
        place = rng.choice(places.get(context) or [0])
        piece = base[place : place + 1 + int(rng.expovariate(1 / _MEAN_STRETCH))]
        pieces.append(piece)
        length += len(piece)
        context = (context + piece)[-_CONTEXT:]
    return "".join(pieces)[:characters]
