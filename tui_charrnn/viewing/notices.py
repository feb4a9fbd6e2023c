"""What happened in a run and is worth a sentence."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened in a run and is worth a sentence."""

    sentence: str
    """Safe to show."""
    severity: Literal["information", "warning", "error"] = "information"
