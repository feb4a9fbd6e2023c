"""Where one of several engines that train the same weights sits. No TensorFlow is needed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Shares: TypeAlias = tuple[Sequence[Any], Sequence[Sequence[Any]]]
"""Losses, and gradients of each parameter: one of both for each part of a batch."""


@dataclass(frozen=True, slots=True)
class Seat:
    """The place of an engine among others; that of one that trains alone leaves all as it is."""

    device: str | None = None
    """TensorFlow's name of the device that it computes on; None: the one it takes by itself."""
    first_shard: int = 0
    """How many parts of a batch lie before its own: what is dropped is drawn for each part."""
    reduce: Callable[[Shares], Shares] | None = None
    """Makes of what its own streams say what those of all say."""
