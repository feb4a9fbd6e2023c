"""The typed values of the form, and their conversion to the settings of a run."""

import contextlib
import dataclasses
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tui_charrnn.config import ModelConfig, TrainingConfig, format_length, read_length
from tui_charrnn.errors import ConfigError
from tui_charrnn.presets import PRESETS, Preset, StartingPoint, configure, find_preset
from tui_charrnn.runs.description import RunDescription
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.lifecycle import name_problem
from tui_charrnn.settings import Bounds, SettingError, Settings
from tui_charrnn.text.corpus import Reading, choose_seeds
from tui_charrnn.text.sources import CATALOGUE_PREFIX, STANDARD_INPUT
from tui_charrnn.translation import tr

if TYPE_CHECKING:  # NumPy, which the first frame does not wait for
    from tui_charrnn.text.vocabulary import Vocabulary

DEFAULT_PRESET: Final = "small"


@dataclass(frozen=True, slots=True)
class CorpusChoice:
    """The corpus of a run, and the options for reading it."""

    arguments: tuple[str, ...]
    """Arguments of `read_corpus`: paths, globs, `catalogue:NAME`; empty if none is chosen."""
    label: str = ""
    """The name of several arguments; a single one needs none."""
    reading: Reading = field(default_factory=Reading)

    @property
    def catalogue_name(self) -> str | None:
        """The name of the catalogue text; None for any other corpus."""
        first = self.arguments[0] if len(self.arguments) == 1 else ""
        is_listed = first.startswith(CATALOGUE_PREFIX)
        return first.removeprefix(CATALOGUE_PREFIX) if is_listed else None


def listed_corpus(name: str) -> CorpusChoice:
    """Return the choice of a catalogue text."""
    return CorpusChoice((f"{CATALOGUE_PREFIX}{name}",))


@dataclass(frozen=True, slots=True)
class StartChoice:
    """The model that a run starts from."""

    argument: str = ""
    """The argument of `find_model`; empty for new weights."""
    point: StartingPoint | None = None
    """The settings that the run takes from the model; None until it is read."""
    vocabulary: "Vocabulary | None" = None
    problem: str = ""
    """Why the model cannot be used (yet), in a sentence."""
    label: str = ""
    """The text of the list."""

    def adapt(self, preset: Preset) -> Preset:
        """Return a preset with the settings of the model."""
        return preset if self.point is None else self.point.adapt(preset)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormValues:
    """All values of the form, as typed."""

    corpus: CorpusChoice
    start: StartChoice = field(default_factory=StartChoice)
    preset: str = DEFAULT_PRESET
    length: str = ""
    """Empty for the length of the preset."""
    seeds: tuple[str, ...] | None = None
    """Pinned seeds; None uses the beginning of the corpus."""
    name: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Typed values that differ from the preset, by name of the setting."""


@dataclass(frozen=True, slots=True)
class NewRun:
    """A request for a run, checked as far as possible without reading the corpus."""

    corpus: CorpusChoice
    preset: str
    model: ModelConfig
    training: TrainingConfig
    seeds: tuple[str, ...] | None
    name: str | None
    start: StartChoice = field(default_factory=StartChoice)


class FormError(ConfigError):
    """Some fields of the form have invalid values."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems: Final = problems
        """One sentence for each key: `corpus`, `length`, `seeds`, `name`, `start` or a setting."""


def check_form(values: FormValues, taken: Collection[str] = ()) -> NewRun:
    """Convert the typed values to a request; `taken` are the names of the existing runs.

    Raises:
        FormError: If fields are invalid; contains the problem of each.
    """
    problems: dict[str, str] = {}
    if not values.corpus.arguments:
        problems["corpus"] = tr("Choose a text from the list, or name a file of yours.")
    elif STANDARD_INPUT in values.corpus.arguments:
        problems["corpus"] = tr("Standard input belongs to the app: give the path of a file.")
    name = values.name.strip()
    if name in taken:
        problems["name"] = tr("The run {name!r} already exists; choose another name.", name=name)
    elif name and (problem := name_problem(name)):
        problems["name"] = problem
    with _collect_problems(problems, "seeds"):
        choose_seeds("", values.seeds)
    if values.start.problem:
        problems["start"] = values.start.problem
    given = _read_settings(values.settings, problems)
    with _collect_problems(problems, "length"):
        given |= read_length(values.length) if values.length.strip() else {}
    preset = find_preset(values.preset)
    model, training = preset.model, preset.training
    with _collect_problems(problems):
        model, training = configure(preset, given, values.start.point)
    if problems:
        raise FormError(problems)
    chosen = values.seeds, name or None, values.start
    return NewRun(values.corpus, values.preset, model, training, *chosen)


@contextlib.contextmanager
def _collect_problems(problems: dict[str, str], field: str = "") -> Iterator[None]:
    """Add a `ConfigError` to problems, by the names of its settings or else at a field."""
    try:
        yield
    except SettingError as error:
        problems |= problems_of_settings(error)
    except ConfigError as error:
        problems[field] = str(error)


def problems_of_settings(error: SettingError) -> dict[str, str]:
    """Return the problems of settings by the key of the field, with the labels of the form."""
    return {
        "length" if problem.name in TrainingConfig.LENGTHS else problem.name: str(
            problem._replace(name=label_of(problem.name))
        )
        for problem in error.problems
    }


def _read_settings(typed: Mapping[str, str], problems: dict[str, str]) -> dict[str, Any]:
    """Parse typed settings; return the values by name, and add the problems of invalid ones."""
    given: dict[str, Any] = {}
    for setting in SETTINGS:
        if setting.name in typed:
            with _collect_problems(problems, setting.name):
                given |= setting.configuration.read(setting.name, typed[setting.name])
    return given


NETWORK: Final = ("cell", "layer_norm")
"""Settings on which the values of a preset depend (`Preset.for_network`)."""


def for_network(preset: Preset, typed: Mapping[str, str]) -> Preset:
    """Return the preset for the typed network settings; see `Preset.for_network`."""
    network = {name: typed[name] for name in NETWORK if name in typed}
    return preset.for_network(_read_settings(network, {}))


SEPARATOR: Final = "|"
_NONE: Final = "none"
_PART: Final = re.compile(r"\\(.)|(\|)|([^\\|]+|\\)", re.DOTALL)
_WRITTEN: Final = {"n": "\n", "t": "\t"}


def read_seeds(typed: str) -> tuple[str, ...] | None:
    r"""Parse seeds separated by `|`; `\n` is a new line, `\|` and `\\` are literal characters.

    Returns:
        The seeds; none for `none`; None for an empty line, i.e. the beginning of the corpus.
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
    """Format seeds as a line that `read_seeds` parses back."""
    if seeds is None:
        return ""
    if not seeds:
        return _NONE
    line = SEPARATOR.join(map(_escaped, seeds))
    if not line:
        return SEPARATOR
    if line.strip() and line.strip().lower() != _NONE:
        return line
    # it would be parsed as `none` or as empty: escape the first or second character
    return f"{line[0]}\\{line[1:]}" if line[0] in "nN" else f"\\{line}"


def _escaped(seed: str) -> str:
    for plain, escaped in (("\\", "\\\\"), ("|", "\\|"), ("\n", "\\n"), ("\t", "\\t")):
        seed = seed.replace(plain, escaped)
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
"""Names of the settings by group, in display order."""


def label_of(name: str) -> str:
    """The name of a setting on the form."""
    return tr(name.replace("_", " ")) if name else ""


@dataclass(frozen=True, slots=True)
class ListedSetting:
    """One setting in the list of all settings."""

    name: str
    configuration: type[Settings]
    bounds: Bounds
    is_switch: bool
    """Whether the setting is boolean."""
    group: str

    @property
    def label(self) -> str:
        """The name of the setting on the form."""
        return label_of(self.name)

    def advice(self, preset: Preset) -> str:
        """Describe the setting, its allowed values and its value in the preset."""
        sentence = f"{tr(self.bounds.sentence).rstrip('.')}."
        own = f"{preset.name}: {self.preset_value(preset)}."
        if self.bounds.choices or self.is_switch:
            return f"{sentence} {own}"
        return f"{sentence} {tr('Allowed: {allowed}.', allowed=self.bounds.allowed())} {own}"

    def preset_value(self, preset: Preset) -> str:
        """Format its value in a preset as it would be typed."""
        configuration = preset.model if self.configuration is ModelConfig else preset.training
        return configuration.format(self.name)

    def is_changed(self, typed: str, preset: Preset) -> bool:
        """Whether the typed value differs from the preset or is invalid."""
        own, read = self.preset_value(preset), partial(self.configuration.read, self.name)
        try:
            return typed != own and read(typed) != read(own)
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
"""All settings, by group, except those of the length, which has its own field."""


def values_of_run(
    run: RunDirectory, description: RunDescription, changes: Mapping[str, str]
) -> FormValues:
    """Return the values that create a run like this one, with some settings changed."""
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
    """Return values with some settings changed; a setting of the length sets that field."""
    length = values.length
    units = {"epochs": " epochs", "steps": " steps", "train_time": ""}
    for name, unit in units.items():
        if name in changes:
            length = f"{changes[name]}{unit}"
    others = {name: typed for name, typed in changes.items() if name not in units}
    settings = {**values.settings, **others}
    return dataclasses.replace(values, length=length, settings=settings)


def starting_choice_of(run: RunDirectory, description: RunDescription) -> StartChoice:
    """Return the choice of the model that a run started from: the copy in the run directory."""
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
    """Return the choice of the corpus of a run: its sources, or the copy in the run directory."""
    reference = description.corpus
    label = tr("the text of {name}", name=run.name)
    if not reference.sources:
        stored = Reading(unify_newlines=False, compose=False)
        return CorpusChoice((str(run.corpus.absolute()),), label, stored)
    is_one = len(reference.sources) == 1
    return CorpusChoice(reference.sources, "" if is_one else label, reference.reading)


def _differences(wanted: ModelConfig | TrainingConfig, preset: Settings) -> dict[str, str]:
    """Return the settings that differ from the preset, as they would be typed."""
    texts = {name: wanted.format(name) for name in wanted.listed()}
    return {
        name: text
        for name, text in texts.items()
        if name not in TrainingConfig.LENGTHS and text != preset.format(name)
    }


def _length(training: TrainingConfig, preset: Preset) -> str:
    own = [getattr(preset.training, name) for name in TrainingConfig.LENGTHS]
    is_own = own == [getattr(training, name) for name in TrainingConfig.LENGTHS]
    return "" if is_own else format_length(training)
