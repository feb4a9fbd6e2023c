"""Seed texts that a run is asked to go on with while it learns. No NumPy is needed."""

import re
from collections.abc import Sequence
from typing import Final

from tui_charrnn.errors import ConfigError

SEED_LIMIT: Final = 8
"""Seeds of one run at most: each costs time at every evaluation."""
SEED_LENGTH: Final = 200
"""Characters of a seed at most."""
_FIRST_LINE: Final = re.compile(r"\S[^\n\r]{0,39}")


def default_seed_of(text: str) -> str:
    """The beginning of the first line of a text that is not blank, at most 40 characters.

    Empty for a text that is all blank; a model then begins as after a newline.
    """
    found = _FIRST_LINE.search(text)
    return found[0].strip() if found else ""


def choose_seeds(text: str, wanted: Sequence[str] | None = None) -> tuple[str, ...]:
    """The pinned seeds of a run.

    Args:
        text: What it will train on.
        wanted: Seeds that somebody chose, perhaps none; None takes the default seed.

    Raises:
        ConfigError: If there are too many, or one is too long.
    """
    if wanted is None:
        return (default_seed_of(text),)
    seeds = tuple(dict.fromkeys(wanted))
    if len(seeds) > SEED_LIMIT:
        raise ConfigError(f"At most {SEED_LIMIT} seeds can be pinned. Received: {len(seeds)}.")
    longest = max(map(len, seeds), default=0)
    if longest > SEED_LENGTH:
        raise ConfigError(
            f"A pinned seed has at most {SEED_LENGTH} characters. Received: one of {longest:,}."
        )
    return seeds
