"""How reading, building and downloading tell how far they are."""

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[int, int | None], None]
"""Takes how much is done and, if it is known, how much there is; both in bytes."""
