"""Sampling settings: the only configuration that the app needs before its first frame."""

import unicodedata
from dataclasses import dataclass
from typing import Final

from tui_charrnn.settings import Settings, refuse, setting

HANGUL: Final = ("valid", "any")
FILTERS: Final = {"top_k": "top-k", "top_p": "top-p", "min_p": "min-p"}
"""Settings that leave out unlikely characters, and their names; None turns one off."""
RULES: Final = ("allow", "forbid", "line_starts", "acrostic")
"""Settings that exclude characters, whatever their probability; None turns one off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingConfig(Settings):
    """How the next character is chosen from the model's logits."""

    temperature: float = setting(
        0.8,
        "Divides the logits: below 1 safer, above 1 wilder, 0 always the likeliest.",
        minimum=0,
        maximum=100,
    )
    top_k: int | None = setting(None, "Choose among the k likeliest characters only.", minimum=1)
    top_p: float | None = setting(
        None,
        "Choose among the fewest characters whose probabilities reach p (nucleus).",
        above=0,
        maximum=1,
    )
    min_p: float | None = setting(
        None,
        "Choose among characters that have at least p times the likeliest one's probability.",
        above=0,
        maximum=1,
    )
    repetition_penalty: float = setting(
        1.0,
        "Above 1, recent characters become less likely; below 1, more likely; 1 = off.",
        above=0,
        maximum=100,
    )
    repetition_window: int = setting(
        64,
        "Number of recent characters that the repetition penalty considers.",
        minimum=1,
        maximum=1024,
    )
    rng_seed: int | None = setting(
        None,
        "Seed of the random number generator; none draws a new one each time.",
        minimum=0,
        maximum=2**63 - 1,
    )

    allow: str | None = setting(None, "Generate only these characters.", is_text=True)
    forbid: str | None = setting(None, "Never generate these characters.", is_text=True)
    line_starts: str | None = setting(
        None, "Every new line begins with one of these characters.", is_text=True
    )
    acrostic: str | None = setting(
        None,
        "One line for each of these characters, starting with it; then the text ends.",
        is_text=True,
    )
    hangul: str = setting(
        "valid",
        "valid: only jamo that can continue a syllable; any: all (jamo models).",
        choices=HANGUL,
    )

    @property
    def is_constrained(self) -> bool:
        """Whether rules exclude characters, whatever their probability."""
        return any(getattr(self, name) is not None for name in RULES)

    @property
    def has_lines(self) -> bool:
        """Whether the allowed characters depend on the current line of the text."""
        return self.acrostic is not None or self.line_starts is not None

    def __post_init__(self) -> None:
        """Validate the settings together; rules are converted to NFC, which models read."""
        refuse(self.problems())
        for name in RULES:
            if text := getattr(self, name):
                object.__setattr__(self, name, unicodedata.normalize("NFC", text))
