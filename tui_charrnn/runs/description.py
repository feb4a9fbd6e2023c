"""The two JSON documents of a run: run.json, written once, and state.json, updated in training."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, Final, Self

from tui_charrnn.config import RECORDS, UNITS, ModelConfig, TrainingConfig
from tui_charrnn.runs.json_values import build_checked, of_this_format
from tui_charrnn.runs.layout import FORMAT
from tui_charrnn.text.corpus import Reading
from tui_charrnn.translation import tr


class RunState(StrEnum):
    """The phase of a trainer."""

    CREATED = "created"
    """No trainer has started yet."""
    PREPARING = "preparing"
    """Reading the corpus, counting n-grams."""
    LOADING = "loading"
    """TensorFlow is being loaded."""
    TIMING = "timing"
    """A few batches are timed to plan the run."""
    TRAINING = "training"
    PAUSED = "paused"
    """Paused on request, until it is resumed."""
    EVALUATING = "evaluating"
    SAVING = "saving"
    FINISHED = "finished"
    """Completed as planned."""
    STOPPED = "stopped"
    """Ended on request, saved; it can be resumed."""
    SAVED = "saved"
    """Saved and exited before completion; to be resumed."""
    INTERRUPTED = "interrupted"
    """Ended by Ctrl-C; saved if possible."""
    DIVERGED = "diverged"
    FAILED = "failed"

    @property
    def is_live(self) -> bool:
        """Whether a trainer should be running in this state."""
        return self not in _ENDED


CURVE_LENGTH: Final = 32
"""Points of the loss sparkline in run lists."""
_ENDED: Final = {
    RunState.FINISHED,
    RunState.STOPPED,
    RunState.SAVED,
    RunState.INTERRUPTED,
    RunState.DIVERGED,
    RunState.FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusReference:
    """The text that a run trains on: its sources, how to read it, and its hash."""

    name: str
    """Display name."""
    sources: tuple[str, ...]
    """Absolute paths and `catalogue:NAME`, in order; empty if the run holds the text itself."""
    encoding: str = "utf-8"
    unify_newlines: bool = True
    """Whether CRLF and CR were converted to LF."""
    compose: bool = True
    """Whether characters were composed (Unicode NFC)."""
    units: str = "characters"
    """Units of the text: characters, or jamo (`hangul`)."""
    records: str = "none"
    """How the text is split into records (`text.corpus_reading.RecordCutter`), if at all."""
    units_per_character: float = 1.0
    """Factor from a loss per unit to a loss per character, on the held-out text."""
    sha256: str
    """SHA-256 of the prepared text, encoded as UTF-8."""
    characters: int
    training_characters: int
    """How many of the first characters are trained on (records in the order of `record_order`); the
    rest is held out."""

    @property
    def reading(self) -> Reading:
        """The settings for reading it again."""
        return Reading(**{each.name: getattr(self, each.name) for each in fields(Reading)})

    def __post_init__(self) -> None:
        """Validate values that a damaged or newer run.json may contain.

        Raises:
            ValueError: If `units` or `records` is unknown.
        """
        for value, known in ((self.units, UNITS), (self.records, RECORDS)):
            if value not in known:
                raise ValueError(
                    tr("{name!r} is none of {known}.", name=value, known=", ".join(known))
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedText:
    """A text that a model was trained on."""

    name: str
    sha256: str
    run: str = ""
    """Name of the run that trained on it, if known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOrigin:
    """The model that a run started from; the run has a copy of its file."""

    name: str
    """As given by the user."""
    path: str
    """Path of the file at creation; it may no longer exist."""
    sha256: str
    """SHA-256 of the file."""
    characters: int
    """Size of its vocabulary, which is a prefix of the run's."""
    texts: tuple[LearnedText, ...] = ()
    """The texts it was trained on, most recent first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDescription:
    """run.json: everything that is fixed before the first batch."""

    name: str
    created: str
    """UTC, ISO 8601."""
    preset: str
    model: ModelConfig
    training: TrainingConfig
    corpus: CorpusReference
    vocabulary: str
    """All characters in index order; with records, the end symbol is first."""
    unknown_symbol: str | None = None
    """The character that replaces all rare ones; it is never generated."""
    parameter_count: int
    host: str
    pinned_seeds: tuple[str, ...] = ()
    """Seed texts that the newest weights continue at every evaluation (`SampleTaken`)."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of this program, Python and TensorFlow at creation."""
    origin: ModelOrigin | None = None
    """The model that it started from; None for random initial weights."""

    @property
    def added_characters(self) -> str:
        """Characters of the vocabulary that the original model does not have."""
        return "" if self.origin is None else self.vocabulary[self.origin.characters :]

    @property
    def end_symbol(self) -> str | None:
        """The symbol that ends a record; None if the text has no records."""
        return None if self.corpus.records == "none" else self.vocabulary[:1]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON document."""
        values = asdict(self)
        values["model"], values["training"] = self.model.to_mapping(), self.training.to_mapping()
        return {"format": FORMAT, **values}

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Parse the document, ignoring unknown fields.

        Raises:
            ConfigError, TypeError, ValueError: If it is invalid, of another format, or lacks a
                field.
        """
        document = of_this_format(values)
        for name, config in (("model", ModelConfig), ("training", TrainingConfig)):
            if name in document:
                document[name] = config.from_mapping(dict(document[name]))
        return build_checked(cls, document)


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuUsage:
    """Utilization of one GPU by all its processes; None where unknown."""

    name: str
    load: float | None = None
    """Fraction of time in use, 0 to 1."""
    memory: int | None = None
    """Bytes in use."""
    memory_total: int | None = None
    """Bytes."""
    temperature: float | None = None
    """Degrees Celsius."""
    power: float | None = None
    """Watts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Resources that a trainer uses; None where unknown."""

    cpu: float | None = None
    """Processor cores in use by the trainer, e.g. 1.9 of 2."""
    cpu_count: int | None = None
    """Cores that it may use."""
    memory: int | None = None
    """Resident memory of the trainer, in bytes."""
    memory_total: int | None = None
    """Memory limit in bytes: of the machine, or of its container."""
    gpus: tuple[GpuUsage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """state.json: what the trainer is doing now."""

    state: RunState
    step: int = 0
    total_steps: int | None = None
    epoch: float = 0.0
    """Passes over the training text so far."""
    pid: int = 0
    host: str = ""
    boot_id: str = ""
    beat: int = 0
    """Incremented with every write: a change shows viewers that the trainer is alive, independent
    of clocks."""
    eta: float | None = None
    """Estimated remaining seconds, including validation and checkpoints."""
    characters_per_second: float | None = None
    elapsed: float = 0.0
    device: str = ""
    """Compute device for display, e.g. `processor, 2 threads`; empty until known."""
    precision: str = ""
    """Precision of matrix products; empty until known."""
    usage: Usage | None = None
    curve: tuple[float, ...] = ()
    """At most `CURVE_LENGTH` mean losses over equal parts of the run so far, oldest first."""
    message: str = ""
    """One sentence for display: what failed, or what the trainer is waiting for."""
    cause: str = ""
    """Of a failure, as in `RunFailed.cause`."""
    degraded: str = ""
    """Why saving is impaired, for display, e.g. `disk full, last saved step 8,000`; empty if it is
    not."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Parse the document, ignoring unknown fields.

        Raises:
            ValueError: If it is invalid, of another format, or lacks a field.
        """
        return build_checked(cls, of_this_format(values))
