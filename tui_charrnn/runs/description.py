"""The two JSON documents of a run: run.json, written once, and state.json, replaced as it goes."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, Final, Self, TypeVar

from tui_charrnn.config import RECORDS, UNITS, ModelConfig, TrainingConfig
from tui_charrnn.errors import ConfigError, RunError
from tui_charrnn.runs.json_values import build_checked
from tui_charrnn.runs.layout import FORMAT
from tui_charrnn.text.corpus import Reading
from tui_charrnn.translation import tr


class RunState(StrEnum):
    """What a trainer is doing."""

    CREATED = "created"
    """No trainer has taken it up yet."""
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
    """Done as planned."""
    STOPPED = "stopped"
    """Ended on request, saved; it can be resumed."""
    SAVED = "saved"
    """Left before the work was done, to be resumed."""
    INTERRUPTED = "interrupted"
    """Ended by Ctrl-C, saved if it could be."""
    DIVERGED = "diverged"
    FAILED = "failed"

    @property
    def is_live(self) -> bool:
        """Whether a trainer ought to be at work."""
        return self in _LIVE


CURVE_LENGTH: Final = 32
"""Stretches of the small curve that lists of runs show."""
_LIVE: Final = {
    RunState.CREATED,
    RunState.PREPARING,
    RunState.LOADING,
    RunState.TIMING,
    RunState.TRAINING,
    RunState.PAUSED,
    RunState.EVALUATING,
    RunState.SAVING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusReference:
    """Which text a run trains on, how to read it again, and how to know that it is the same."""

    name: str
    """As shown to people."""
    sources: tuple[str, ...]
    """Absolute paths and `catalogue:NAME`, in order; empty if the run holds the text itself."""
    encoding: str = "utf-8"
    unify_newlines: bool = True
    """Whether CRLF and CR were turned into LF."""
    compose: bool = True
    """Whether characters were composed (Unicode NFC)."""
    units: str = "characters"
    """What the text is counted in: characters, or jamo (`hangul`)."""
    records: str = "none"
    """What is a record (`text.records`), if the text is cut into any."""
    units_per_character: float = 1.0
    """Of the held-out text: what losses of a unit are multiplied by to be those of a character."""
    sha256: str
    """Of the text as trained on, encoded as UTF-8."""
    characters: int
    training_characters: int
    """The first so many are trained on, of records in the order of `record_order`; the rest is held
    out."""

    @property
    def reading(self) -> Reading:
        """How it is read again."""
        return Reading(
            encoding=self.encoding,
            unify_newlines=self.unify_newlines,
            compose=self.compose,
            units=self.units,
            records=self.records,
        )

    def __post_init__(self) -> None:
        """Refuse what a damaged run.json, or one of a later version, may hold.

        Raises:
            ValueError: If `units` or `records` is none that is known.
        """
        for value, known in ((self.units, UNITS), (self.records, RECORDS)):
            if value not in known:
                raise ValueError(
                    tr("{name!r} is none of {known}.", name=value, known=", ".join(known))
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedText:
    """A text that a model learned from."""

    name: str
    sha256: str
    run: str = ""
    """Name of the run that it was trained in, if that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOrigin:
    """The model that a run started from; the run holds a copy of its file."""

    name: str
    """As the user called it."""
    path: str
    """Where the file was; it need not be there any more."""
    sha256: str
    """Of the file."""
    characters: int
    """Of its vocabulary, with which that of the run begins."""
    texts: tuple[LearnedText, ...] = ()
    """What it had learned from, the last one first."""


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
    """All characters, in the order of their index; of records the end sign is the first."""
    unknown_symbol: str | None = None
    """The one of them that stands for all others, which were too rare; it is never generated."""
    parameter_count: int
    host: str
    pinned_seeds: tuple[str, ...] = ()
    """Seed texts that the newest weights go on with at every evaluation (`SampleTaken`)."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of this program, Python and TensorFlow, at creation."""
    origin: ModelOrigin | None = None
    """The model that it started from; None if its first weights were drawn at random."""

    @property
    def added_characters(self) -> str:
        """What its vocabulary has beyond that of the model it started from."""
        return "" if self.origin is None else self.vocabulary[self.origin.characters :]

    @property
    def end_symbol(self) -> str | None:
        """What ends a record; None if the text has none."""
        return None if self.corpus.records == "none" else self.vocabulary[:1]

    def to_json(self) -> dict[str, Any]:
        """Plain values, as the file holds them."""
        values = asdict(self)
        values["model"], values["training"] = self.model.to_mapping(), self.training.to_mapping()
        return {"format": FORMAT, **values}

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Read the document; fields that are not known are passed over.

        Raises:
            RunError: If it is not one, is of another format, or lacks a field.
        """
        return _read_document(values, "run.json", cls._of)

    @classmethod
    def _of(cls, document: dict[str, Any]) -> Self:
        model, training = dict(document["model"]), dict(document["training"])
        document["model"] = ModelConfig.from_mapping(model, skip_unknown=True)
        document["training"] = TrainingConfig.from_mapping(training, skip_unknown=True)
        document["corpus"] = build_checked(CorpusReference, dict(document["corpus"]))
        return build_checked(cls, document)


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuUsage:
    """How busy one GPU is, with everything that runs on it; None where it cannot be known."""

    name: str
    load: float | None = None
    """Share of the time in which it computed, 0 to 1."""
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
    """What a trainer takes of its machine; None where it cannot be known."""

    cpu: float | None = None
    """Processor cores that the trainer keeps busy: 1.9 of 2."""
    cpu_count: int | None = None
    """Cores that it may use."""
    memory: int | None = None
    """Bytes that the trainer holds in memory."""
    memory_total: int | None = None
    """Bytes that it may hold: of the machine, or of its container."""
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
    """A counter that rises with every write: whether it changes tells a viewer that the trainer
    lives, whatever the clocks of two machines say."""
    eta: float | None = None
    """Seconds that are left, validation and checkpoints counted in."""
    characters_per_second: float | None = None
    elapsed: float = 0.0
    device: str = ""
    """What it computes on, for people: `processor, 2 threads`; empty until it is known."""
    precision: str = ""
    """Of the matrix products; empty until it is known."""
    usage: Usage | None = None
    curve: tuple[float, ...] = ()
    """At most `CURVE_LENGTH` mean losses of equal stretches of the run so far, oldest first."""
    message: str = ""
    """One sentence for people: what went wrong, or what is being waited for."""
    degraded: str = ""
    """Why the run is less safe than it should be, for people: `disk full, last saved step 8,000`;
    empty while all is well."""

    def to_json(self) -> dict[str, Any]:
        """Plain values, as the file holds them."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Read the document; fields that are not known are passed over.

        Raises:
            RunError: If it is not one, is of another format, or lacks a field.
        """
        return _read_document(values, "state.json", partial(build_checked, cls))


_Document = TypeVar("_Document")


def _read_document(
    values: object, name: str, build: Callable[[dict[str, Any]], _Document]
) -> _Document:
    """Build what a JSON file holds; any failure is a `RunError` that names the file."""
    if not isinstance(values, dict):
        raise RunError("{name} is not a JSON object.", name=name)
    if values.get("format") != FORMAT:
        raise RunError(
            "{name} is of format {found!r}; this version reads format {version}.",
            name=name,
            found=values.get("format"),
            version=FORMAT,
        )
    try:
        return build(dict(values))
    except KeyError as error:
        raise RunError("run.json lacks its field {name!r}.", name=error.args[0]) from error
    except (TypeError, ValueError, ConfigError) as error:
        raise RunError("{name} cannot be used: {problem}", name=name, problem=error) from error
