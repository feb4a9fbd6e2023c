"""What is typed into the training form, and what it means."""

import contextlib
import dataclasses
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tui_charrnn.config import ModelConfig, TrainingConfig, read_length
from tui_charrnn.durations import format_duration, parse_duration
from tui_charrnn.errors import ConfigError
from tui_charrnn.presets import PRESETS, Preset, StartingPoint, configure, find_preset
from tui_charrnn.runs.creation import name_problem
from tui_charrnn.runs.description import RunDescription
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.settings import Bounds, Problem, SettingError, Settings
from tui_charrnn.text.corpus import Reading, choose_seeds
from tui_charrnn.text.sources import CATALOGUE_PREFIX, STANDARD_INPUT
from tui_charrnn.translation import tr

if TYPE_CHECKING:  # NumPy, which the first frame does not wait for
    from tui_charrnn.text.vocabulary import Vocabulary

DEFAULT_PRESET: Final = "small"


@dataclass(frozen=True, slots=True)
class CorpusChoice:
    """Which text to train on, and how it is read."""

    arguments: tuple[str, ...]
    """As `read_corpus` takes them: paths, globs, `catalogue:NAME`; none if nothing is chosen."""
    label: str = ""
    """What to call several arguments; a single one is its own name."""
    reading: Reading = field(default_factory=Reading)

    @property
    def catalogue_name(self) -> str | None:
        """The name of the text of the catalogue that it is, if it is one."""
        first = self.arguments[0] if len(self.arguments) == 1 else ""
        is_listed = first.startswith(CATALOGUE_PREFIX)
        return first.removeprefix(CATALOGUE_PREFIX) if is_listed else None


def listed_corpus(name: str) -> CorpusChoice:
    """A text of the catalogue."""
    return CorpusChoice((f"{CATALOGUE_PREFIX}{name}",))


@dataclass(frozen=True, slots=True)
class StartChoice:
    """The model that a run is to start from."""

    argument: str = ""
    """As `find_model` takes it; empty for new weights."""
    point: StartingPoint | None = None
    """What it lends the settings; None as long as it was not read."""
    vocabulary: "Vocabulary | None" = None
    problem: str = ""
    """Why it cannot be used, or not yet, in a sentence."""
    label: str = ""
    """How a list shows it."""

    def adapt(self, preset: Preset) -> Preset:
        """A preset with what the model lends it."""
        return preset if self.point is None else self.point.adapt(preset)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormValues:
    """All that is typed, as it is typed."""

    corpus: CorpusChoice
    start: StartChoice = field(default_factory=StartChoice)
    preset: str = DEFAULT_PRESET
    length: str = ""
    """Empty for the preset's own."""
    seeds: tuple[str, ...] | None = None
    """Pinned seeds; None takes the beginning of the text."""
    name: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings that differ from the preset's, by name."""


@dataclass(frozen=True, slots=True)
class NewRun:
    """What was typed, checked as far as it can be without reading the corpus."""

    corpus: CorpusChoice
    preset: str
    model: ModelConfig
    training: TrainingConfig
    seeds: tuple[str, ...] | None
    name: str | None
    start: StartChoice = field(default_factory=StartChoice)


class FormError(ConfigError):
    """Some fields of the form hold what they must not."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems: Final = problems
        """One sentence a field: `corpus`, `length`, `seeds`, `name`, or the name of a setting."""


def check_form(values: FormValues, taken: Collection[str] = ()) -> NewRun:
    """Turn what was typed into a request; `taken` are the names of the runs that there are.

    Raises:
        FormError: If a field cannot be used; all of them are named.
    """
    problems: dict[str, str] = {}
    if not values.corpus.arguments:
        problems["corpus"] = tr("Choose a text from the list, or name a file of yours.")
    elif STANDARD_INPUT in values.corpus.arguments:
        problems["corpus"] = tr("Standard input belongs to the app: give the path of a file.")
    name = values.name.strip()
    if name in taken:
        problems["name"] = tr("There is a run {name!r} already; choose another name.", name=name)
    elif name and (problem := name_problem(name)):
        problems["name"] = problem
    with _noted(problems, "seeds"):
        choose_seeds("", values.seeds)
    if values.start.problem:
        problems["start"] = values.start.problem
    given = _read_settings(values.settings, problems)
    with _noted(problems, "length"):
        given |= read_length(values.length) if values.length.strip() else {}
    preset = find_preset(values.preset)
    model, training = preset.model, preset.training
    with _noted(problems):
        model, training = configure(preset, given, values.start.point)
    if problems:
        raise FormError(problems)
    chosen = values.seeds, name or None, values.start
    return NewRun(values.corpus, values.preset, model, training, *chosen)


@contextlib.contextmanager
def _noted(problems: dict[str, str], field: str = "") -> Iterator[None]:
    """Note what is refused at the settings that the error names, or else at a field."""
    try:
        yield
    except SettingError as error:
        for problem in error.problems:
            is_length = problem.name in TrainingConfig.LENGTHS
            problems["length" if is_length else problem.name] = str(problem)
    except ConfigError as error:
        problems[field] = str(error)


def _read_settings(typed: Mapping[str, str], problems: dict[str, str]) -> dict[str, Any]:
    """The values, by name, of the settings that were typed; those that cannot be are noted."""
    given: dict[str, Any] = {}
    for setting in SETTINGS:
        if setting.name in typed:
            with _noted(problems, setting.name):
                given |= setting.read(typed[setting.name])
    return given


NETWORK: Final = ("cell", "layer_norm")
"""Settings on which the values of a preset depend (`Preset.for_network`)."""


def for_network(preset: Preset, typed: Mapping[str, str]) -> Preset:
    """A preset as `Preset.for_network` has it for settings as they were typed."""
    network = {name: typed[name] for name in NETWORK if name in typed}
    return preset.for_network(_read_settings(network, {}))


def setting_text(configuration: Settings, name: str) -> str:
    """The value of a setting as it would be typed."""
    if configuration.is_automatic(name):
        return "auto"
    is_duration = configuration.bounds()[name].is_duration
    return written_setting(getattr(configuration, name), is_duration=is_duration)


def written_setting(value: Any, *, is_duration: bool = False) -> str:
    """A value as it would be typed: `ListedSetting.read` reads the same from it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if is_duration:
        return written_duration(value)
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return str(value)


def written_duration(seconds: float) -> str:
    """A span of time as it would be typed, to the last digit."""
    short = format_duration(seconds)
    if seconds >= 1 and parse_duration(short) == seconds:
        return short
    return f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"


def length_words(training: TrainingConfig) -> str:
    """How long the settings train, as it would be typed."""
    if training.epochs is not None:
        return f"{written_setting(training.epochs)} epochs"
    if training.steps is not None:
        return f"{training.steps:,} steps"
    return written_duration(training.train_time or 0.0)


SEPARATOR: Final = "|"
_NONE: Final = "none"
_PART: Final = re.compile(r"\\(.)|(\|)|([^\\|]+|\\)", re.DOTALL)
_WRITTEN: Final = {"n": "\n", "t": "\t"}


def read_seeds(typed: str) -> tuple[str, ...] | None:
    r"""Read seeds with `|` between them; `\n` is a new line, `\|` and `\\` stand for themselves.

    Returns:
        None for an empty line, which takes the beginning of the text; no seeds for `none`.
    """
    if not typed.strip():
        return None
    if typed.strip().lower() == _NONE:
        return ()
    seeds = [""]
    for part in _PART.finditer(typed):
        escaped, bar, plain = part.groups()
        if bar:
            seeds.append("")
        else:
            seeds[-1] += plain if escaped is None else _WRITTEN.get(escaped, escaped)
    return tuple(dict.fromkeys(seeds))


def write_seeds(seeds: Sequence[str] | None) -> str:
    """The line from which `read_seeds` reads the same."""
    if seeds is None:
        return ""
    if not seeds:
        return _NONE
    line = SEPARATOR.join(map(_escaped, seeds))
    if not line:
        return SEPARATOR
    if line.strip() and line.strip().lower() != _NONE:
        return line
    # it would be read as something else; a character behind a backslash stands for itself
    return f"{line[0]}\\{line[1:]}" if line[0] in "nN" else f"\\{line}"


def _escaped(seed: str) -> str:
    for plain, written in (("\\", "\\\\"), ("|", "\\|"), ("\n", "\\n"), ("\t", "\\t")):
        seed = seed.replace(plain, written)
    return seed


GROUPS: Final = {
    "Network": "cell embedding_size hidden_size layer_count tied_output layer_norm direction",
    "Batches": "batch_size sequence_length",
    "Length": "max_epochs stop_early",
    "Optimizer": (
        "optimizer learning_rate schedule warmup_fraction final_learning_rate weight_decay "
        "second_moment_decay average_decay gradient_norm_limit"
    ),
    "Regularization": "dropout dropout_growth recurrent_weight_dropout cold_start_fraction",
    "Evaluation": "validation_fraction evaluations evaluation_characters dynamic_evaluation_rate",
    "Vocabulary": "units records min_count max_vocabulary",
    "Checkpoints": "checkpoint_interval keep_checkpoints max_time",
    "Machine": "rng_seed precision threads",
}
"""Names of settings by the group that lists them, in their order."""


@dataclass(frozen=True, slots=True)
class ListedSetting:
    """One setting of the list."""

    name: str
    configuration: type[Settings]
    bounds: Bounds
    is_switch: bool
    """Whether it is on or off."""
    group: str

    @property
    def label(self) -> str:
        """What it is called on the form."""
        return tr(self.name.replace("_", " "))

    @property
    def allowed(self) -> str:
        """What it may be, in words."""
        if self.bounds.is_duration:
            time = tr("a time like 90s, 10m or 2h")
            return tr("{allowed}, or none", allowed=time) if self.bounds.optional else time
        return self.bounds.allowed()

    def read(self, typed: str) -> dict[str, Any]:
        """The values, by name, that a text stands for; see `Settings.read`.

        Raises:
            ConfigError: If it is not of the setting's type, or out of its bounds.
        """
        values = self.configuration.read(self.name, typed)
        if self.name in values and not self.bounds.admits(values[self.name]):
            sentence = tr(
                "must be {allowed}. Received: {received}.",
                allowed=self.bounds.allowed(),
                received=typed.strip(),
            )
            raise SettingError([Problem(self.name, sentence)])
        return values

    def advice(self, preset: Preset) -> str:
        """What it is, what it may be, and its value in the preset."""
        sentence = f"{tr(self.bounds.sentence).rstrip('.')}."
        own = f"{preset.name}: {self.of_preset(preset)}."
        if self.bounds.choices or self.is_switch:
            return f"{sentence} {own}"
        return f"{sentence} {tr('Allowed: {allowed}.', allowed=self.allowed)} {own}"

    def of_preset(self, preset: Preset) -> str:
        """Its value in a preset, as it would be typed."""
        configuration = preset.model if self.configuration is ModelConfig else preset.training
        return setting_text(configuration, self.name)

    def is_changed(self, typed: str, preset: Preset) -> bool:
        """Whether what was typed is another value than the preset's, or none at all."""
        own = self.of_preset(preset)
        try:
            return typed != own and self.read(typed) != self.read(own)
        except ConfigError:
            return True


def _list_settings() -> Iterator[ListedSetting]:
    known = {
        item.name: (configuration, item.metadata["bounds"], isinstance(item.default, bool))
        for configuration in (ModelConfig, TrainingConfig)
        for item in dataclasses.fields(configuration)
    }
    for group, names in GROUPS.items():
        for name in names.split():
            yield ListedSetting(name, *known[name], group)


SETTINGS: Final = tuple(_list_settings())
"""Every setting but those of the length, which has a field of its own; in groups."""
_SETTING_NAME: Final = re.compile(rf"\b({'|'.join(setting.name for setting in SETTINGS)})\b")


def labelled(sentence: str) -> str:
    """A sentence with settings called as the form calls them."""
    return _SETTING_NAME.sub(lambda name: tr(name[0].replace("_", " ")), sentence)


def values_of_run(
    run: RunDirectory, description: RunDescription, changes: Mapping[str, str]
) -> FormValues:
    """What has to be typed to make a run once more."""
    name = description.preset if description.preset in PRESETS else DEFAULT_PRESET
    start = starting_choice_of(run, description)
    preset = start.adapt(PRESETS[name])
    settings = {
        **_differences(description.model, preset.model),
        **_differences(description.training, preset.training),
    }
    values = FormValues(
        corpus=corpus_of_run(run, description),
        start=start,
        preset=name,
        length=_length(description.training, preset),
        seeds=description.pinned_seeds,
        settings=settings,
    )
    return with_changes(values, changes)


def with_changes(values: FormValues, changes: Mapping[str, str]) -> FormValues:
    """Values with some settings changed; those of the length are the field of their own."""
    length = values.length
    units = {"epochs": " epochs", "steps": " steps", "train_time": ""}
    for name, unit in units.items():
        if name in changes:
            length = f"{changes[name]}{unit}"
    others = {name: typed for name, typed in changes.items() if name not in units}
    settings = {**values.settings, **others}
    return dataclasses.replace(values, length=length, settings=settings)


def starting_choice_of(run: RunDirectory, description: RunDescription) -> StartChoice:
    """The model that a run has started from: the copy that it holds."""
    origin = description.origin
    if origin is None:
        return StartChoice()
    point = StartingPoint(
        origin.name,
        description.model,
        description.training.units,
        description.training.records,
    )
    return StartChoice(str(run.initial_model.absolute()), point)


def corpus_of_run(run: RunDirectory, description: RunDescription) -> CorpusChoice:
    """The text that a run trains on: the one that it holds, or where it came from."""
    reference = description.corpus
    label = tr("the text of {name}", name=run.name)
    if not reference.sources:
        stored = Reading(unify_newlines=False, compose=False)
        return CorpusChoice((str(run.corpus.absolute()),), label, stored)
    is_one = len(reference.sources) == 1
    return CorpusChoice(reference.sources, "" if is_one else label, reference.reading)


def _differences(wanted: ModelConfig | TrainingConfig, preset: Settings) -> dict[str, str]:
    """The settings that are not the preset's, as they would be typed."""
    texts = {name: setting_text(wanted, name) for name in wanted.listed()}
    return {
        name: text
        for name, text in texts.items()
        if name not in TrainingConfig.LENGTHS and text != setting_text(preset, name)
    }


def _length(training: TrainingConfig, preset: Preset) -> str:
    own = [getattr(preset.training, name) for name in TrainingConfig.LENGTHS]
    is_own = own == [getattr(training, name) for name in TrainingConfig.LENGTHS]
    return "" if is_own else length_words(training)
