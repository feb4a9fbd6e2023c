"""The configurations that the app needs before its first frame: of a network, and of sampling."""

import unicodedata
from dataclasses import dataclass
from typing import Any, Final

from tui_charrnn.settings import Problem, Settings, refuse, setting
from tui_charrnn.translation import tr

CELLS = ("lstm", "gru", "rnn")
DIRECTIONS = ("forward", "both")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig(Settings):
    """The shape of a network: embedding (V, E), L recurrent layers of size H, softmax (H, V)."""

    cell: str = setting("lstm", "Kind of the recurrent cell.", choices=CELLS)
    embedding_size: int = setting(
        32, "Embedding size E: numbers per character.", minimum=1, maximum=4096
    )
    hidden_size: int = setting(256, "Hidden size H: units per layer.", minimum=1, maximum=8192)
    layer_count: int = setting(1, "Number of stacked recurrent layers.", minimum=1, maximum=8)
    tied_output: bool = setting(False, "Use the embedding as the output layer too (needs E = H).")
    layer_norm: bool = setting(
        False,
        "Normalize the gates and the memory of each layer (lstm only): learns in fewer steps.",
    )
    direction: str = setting(
        "forward",
        "Read what precedes a character, or also what follows it (fills gaps, cannot generate).",
        choices=DIRECTIONS,
    )

    def __post_init__(self) -> None:
        """Validate the settings; all problems are reported together."""
        problems = self.problems()
        if not problems and self.layer_norm and self.cell != "lstm":
            sentence = tr("needs the cell lstm. Received: {received}.", received=self.cell)
            problems.append(Problem("layer_norm", sentence))
        if not problems and self.tied_output and self.embedding_size != self.hidden_size:
            sentence = tr(
                "needs embedding size equal to hidden size. Received: {embedding} and {hidden}.",
                embedding=self.embedding_size,
                hidden=self.hidden_size,
            )
            problems.append(Problem("tied_output", sentence))
        if not problems and self.tied_output and self.reads_both:
            sentence = tr(
                "needs the direction forward: a backward stack has no embedding of its own. "
                "Received: {received}.",
                received=self.direction,
            )
            problems.append(Problem("tied_output", sentence))
        refuse(problems)

    @property
    def reads_both(self) -> bool:
        """Whether a second stack reads the text after a character backward."""
        return self.direction == "both"


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

    @classmethod
    def parse(cls, name: str, text: str) -> Any:
        """See `Settings.parse`; spaces and line feeds of a rule are characters like others."""
        if name in RULES and text and not cls.bounds()[name].is_none(text):
            return text
        return super(SamplingConfig, cls).parse(name, text)

    def __post_init__(self) -> None:
        """Validate the settings together; rules are converted to NFC, which models read."""
        refuse(self.problems())
        for name in RULES:
            if text := getattr(self, name):
                object.__setattr__(self, name, unicodedata.normalize("NFC", text))
