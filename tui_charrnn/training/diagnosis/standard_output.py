"""Standard output of a process that answers in one document."""

import os
from typing import TextIO


def exclusive_output() -> TextIO:
    """Standard output for us alone: what anybody else writes there goes to standard error."""
    ours = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return ours
