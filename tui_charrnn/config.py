"""The configurations: of a network, of sampling, of trainings, frozen and validated."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from tui_charrnn.durations import format_exact_duration, parse_duration
from tui_charrnn.errors import ConfigError
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
class SamplingNumbers(Settings):
    """The settings of sampling that are preferences too."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingConfig(SamplingNumbers):
    """How the next character is chosen from the model's logits."""

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


PRECISIONS = ("auto", "float32", "bfloat16")
UNITS = ("characters", "jamo")
RECORDS = ("none", "line", "blank-line", "file")


def refuse_together(model: ModelConfig, training: "TrainingConfig") -> None:
    """Refuse model and training settings that contradict each other.

    Raises:
        SettingError: If there are records, and the network reads both directions.
    """
    if training.has_records and model.reads_both:
        sentence = tr(
            "needs the direction forward: a bidirectional model fills gaps and generates no "
            "records. Received: {received}.",
            received=training.records,
        )
        refuse([Problem("records", sentence)])


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig(Settings):
    """How a network is trained. Exactly one of `epochs`, `steps`, `train_time` sets the length."""

    LENGTHS: ClassVar[tuple[str, ...]] = ("epochs", "steps", "train_time")
    LENGTH_BOUND: ClassVar[str] = "max_epochs"
    """Setting that limits a preset's length; a length that the user sets removes it."""

    units: str = setting(
        "characters",
        "What is predicted: characters, or the letters (jamo) of Hangul syllables.",
        choices=UNITS,
    )
    records: str = setting(
        "none",
        "Train on separate short texts with an end symbol: lines, paragraphs or files.",
        choices=RECORDS,
    )
    batch_size: int = setting(
        32,
        "Streams per batch; auto doubles them while that is faster, and raises the rate.",
        minimum=1,
        maximum=65_536,
        automatic="auto_batch_size",
    )
    auto_batch_size: bool = setting(
        False,
        "Whether the batch size is only where a search for a larger one begins.",
        is_listed=False,
    )
    sequence_length: int = setting(
        64,
        "Sequence length T: characters per step of truncated backpropagation.",
        minimum=2,
        maximum=65_536,
    )
    epochs: float | None = setting(
        None, "How long, in passes over the training text.", above=0, maximum=1e6
    )
    steps: int | None = setting(None, "How long, in batches.", minimum=1, maximum=10**9)
    train_time: float | None = setting(
        None,
        "How long, as 90s, 10m or 2h; the number of steps is adjusted during the run.",
        is_duration=True,
    )
    max_epochs: float | None = setting(
        None,
        "Maximum passes over the text; presets allow at least 2,000 steps. A length removes it.",
        above=0,
        maximum=1e6,
    )
    least_steps: int | None = setting(
        None,
        "Minimum steps under a preset's limit of epochs: few passes of a small text teach nothing.",
        minimum=1,
        maximum=10**9,
        is_listed=False,
    )
    stop_early: int | None = setting(
        None,
        "Stop after this many evaluations without a lower loss; none trains to the end.",
        minimum=1,
        maximum=100_000,
    )
    max_time: float | None = setting(
        None,
        "Save and exit with 75 after this time (e.g. 3h50m).",
        is_duration=True,
    )
    optimizer: str = setting("adamw", "Update rule.", choices=("adamw", "adam"))
    learning_rate: float = setting(3e-3, "Peak learning rate.", minimum=1e-12, maximum=10)
    schedule: str = setting("cosine", "Learning rate over the run.", choices=("cosine", "constant"))
    warmup_fraction: float = setting(
        0.02, "Share of the run in which the learning rate rises from zero.", minimum=0, maximum=1
    )
    final_learning_rate: float = setting(
        0.02, "Learning rate at the end, as a share of the peak.", minimum=0, maximum=1
    )
    weight_decay: float = setting(
        0.01, "Decay of the weight matrices, times the learning rate, a step.", minimum=0, maximum=1
    )
    second_moment_decay: float = setting(
        0.999,
        "Decay of Adam's average of squared gradients (beta 2).",
        minimum=0,
        maximum=0.999999,
    )
    average_decay: float | None = setting(
        None,
        "Average the weights over about 1 / (1 - this) steps; none uses the newest.",
        minimum=0,
        maximum=0.999999,
    )
    gradient_norm_limit: float | None = setting(
        1.0, "Bound on the global norm of the gradient.", above=0, optional=True
    )
    dropout: float = setting(
        0.0,
        "Share of each layer's outputs that is dropped while training.",
        minimum=0,
        maximum=0.95,
    )
    dropout_growth: float = setting(
        0.0,
        "What each pass over the text adds to a dropout above 0, up to 0.7.",
        minimum=0,
        maximum=0.95,
    )
    recurrent_weight_dropout: float = setting(
        0.0,
        "Share of the recurrent weights that is dropped while training, drawn for each batch.",
        minimum=0,
        maximum=0.95,
    )
    cold_start_fraction: float = setting(
        0.05,
        "Share of streams whose state is reset before a batch, to learn to start without one.",
        minimum=0,
        maximum=1,
    )
    min_count: int = setting(
        1,
        "Characters that occur less often become one unknown symbol, which is never generated.",
        minimum=1,
        maximum=10**12,
    )
    max_vocabulary: int | None = setting(
        None,
        "Maximum vocabulary size; the rarest others become the unknown symbol.",
        minimum=2,
        maximum=0x110000,
    )
    validation_fraction: float = setting(
        0.1, "Share of the text, at its end, that is held out.", above=0, maximum=0.9
    )
    evaluations: int = setting(
        20,
        "Number of evenly spaced evaluations on the held-out text, after a few early ones.",
        minimum=1,
        maximum=100_000,
    )
    evaluation_characters: int | None = setting(
        200_000,
        "Held-out characters scored in each evaluation, from the first on; none scores all.",
        minimum=100,
        optional=True,
    )
    dynamic_evaluation_rate: float | None = setting(
        None,
        "At the end, score again while the weights learn from the text at this rate (try 1e-4).",
        above=0,
        maximum=1,
    )
    checkpoint_interval: float = setting(
        60.0, "Time between checkpoints, as 60s.", is_duration=True
    )
    keep_checkpoints: int = setting(
        3, "Newest checkpoints that are kept, besides the best.", minimum=1, maximum=10_000
    )
    rng_seed: int = setting(
        0,
        "Seed of the random number generator: initial weights, dropout.",
        minimum=0,
        maximum=2**31 - 1,
    )
    precision: str = setting(
        "auto",
        "Arithmetic of the matrix products; auto measures what this processor gains by bfloat16.",
        choices=PRECISIONS,
    )
    threads: int | None = setting(
        None, "Processor threads; none uses all.", minimum=1, maximum=4096
    )

    @property
    def has_records(self) -> bool:
        """Whether the text is cut into records."""
        return self.records != "none"

    @property
    def end_index(self) -> int | None:
        """Index of the end sign, the first of a vocabulary; None without records."""
        return 0 if self.has_records else None

    @classmethod
    def read(cls, name: str, text: str) -> dict[str, Any]:
        """See `Settings.read`; a given `max_epochs` removes a preset's `least_steps`."""
        freed = {"least_steps": None} if name == cls.LENGTH_BOUND else {}
        return super(TrainingConfig, cls).read(name, text) | freed

    def __post_init__(self) -> None:
        """Validate the settings; all problems are reported together."""
        problems = self.problems()
        given = [name for name in self.LENGTHS if getattr(self, name) is not None]
        if len(given) != 1:
            sentence = tr(
                "Set exactly one of epochs, steps and train_time. Received: {received}.",
                received=" and ".join(given) or "none of them",
            )
            problems.append(Problem("", sentence))
        refuse(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClippingSettings(Settings):
    """Two trainings of a small RNN, one of them with a limit for the norm of its gradient."""

    limit: float = setting(1.0, "Largest gradient norm that is applied.", above=0, maximum=1000)
    radius: float = setting(
        1.7, "Spectral radius of the recurrent kernel at the start.", above=0, maximum=1000
    )
    learning_rate: float = setting(
        2.0, "Learning rate of the gradient descent.", above=0, maximum=1000
    )
    steps: int = setting(400, "Number of training steps.", minimum=1, maximum=10_000)
    rng_seed: int = setting(0, "RNG seed of the initial weights.", minimum=0, maximum=2**32 - 1)

    def __post_init__(self) -> None:
        """Validate the settings; all problems are reported together."""
        refuse(self.problems())


def format_length(training: TrainingConfig) -> str:
    """Format the length of a training as it would be typed; `read_length` parses it back."""
    if training.epochs is not None:
        return f"{training.epochs:f}".rstrip("0").rstrip(".") + " epochs"
    if training.steps is not None:
        return f"{training.steps:,} steps"
    return format_exact_duration(training.train_time or 0.0)


_COUNT: Final = re.compile(r"(\d+(?:[.,]\d+)*)\s*(epochs?|steps?)", re.IGNORECASE)


def read_length(typed: str) -> dict[str, Any]:
    """Parse `10 epochs`, `2000 steps` or `5m` into one of `TrainingConfig.LENGTHS`.

    Raises:
        ConfigError: If it is none of these. Bounds are checked when a configuration is built.
    """
    typed = typed.strip()
    if counted := _COUNT.fullmatch(typed):
        amount, unit = counted[1].replace(",", ""), counted[2].lower().rstrip("s")
        if amount.count(".") > 1 or (unit == "step" and "." in amount):
            raise ConfigError("Steps are a whole number. Received: {typed!r}", typed=typed)
        return {"epochs": float(amount)} if unit == "epoch" else {"steps": int(amount)}
    if typed.isdigit() and typed.strip("0"):
        raise ConfigError("Add the unit: {typed} epochs, {typed} steps, {typed}m.", typed=typed)
    if (seconds := parse_duration(typed)) is not None:
        return {"train_time": seconds}
    raise ConfigError(
        "The length is a time like 90s, 5m or 1h30m, or 10 epochs, or 2000 steps. Received: "
        "{typed!r}",
        typed=typed,
    )
