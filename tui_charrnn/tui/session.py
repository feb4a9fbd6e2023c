"""The state of the app: the shown run, and the model and settings that generate."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tui_charrnn.config import FILTERS, SamplingConfig
from tui_charrnn.folders import preferred_models
from tui_charrnn.preferences import Origin, Preferences
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import Signal
from tui_charrnn.tui.keys.keymap import remap
from tui_charrnn.tui.keys.table import KEYS

if TYPE_CHECKING:  # not needed for the first frame
    import subprocess

    from tui_charrnn.generation.neuron import Clamp, Probe
    from tui_charrnn.model.checkpoint import Model
    from tui_charrnn.preferences import Resolution
    from tui_charrnn.runs.description import RunStatus
    from tui_charrnn.tui.keys.table import Key
    from tui_charrnn.viewing.run_view import RunView

SPEEDS: Final[tuple[int | None, ...]] = (10, 30, 60, 120, 500, None)
"""Characters per second; None is full speed."""
_LONGEST_LAG: Final = 0.1  # seconds; a burst does not make up for a longer stall
DEFAULT_LENGTH: Final = 2_000
"""Characters after which generation pauses."""

SHORT_NAMES: Final = {
    **FILTERS,
    "repetition_penalty": "penalty",
    "repetition_window": "window",
    "line_starts": "lines",
}
_SHOWN_ELSEWHERE: Final = frozenset({"temperature", "rng_seed"})

ModelIdentity = tuple[object, ...]
"""Equal for models that share their neurons, such as the checkpoints of one run."""


class ActiveClamps(NamedTuple):
    """Clamped neurons, and the identity of their model."""

    clamps: tuple[Clamp, ...] = ()
    identity: ModelIdentity = ()

    def of(self, model: Model) -> tuple[Clamp, ...]:
        """Return the clamps if they belong to this model, else none."""
        return self.clamps if self.clamps and self.identity == identity_of(model) else ()

    @property
    def values(self) -> dict[Probe, float]:
        """The value of each clamped neuron."""
        return {clamp.neuron: clamp.value for clamp in self.clamps}

    @property
    def summary(self) -> str:
        """The clamped neuron, or the number of them; empty if there is none."""
        if len(self.clamps) > 1:
            return tr("{count} cells clamped", count=len(self.clamps))
        return tr("{cell} clamped", cell=self.clamps[0]) if self.clamps else ""

    @property
    def details(self) -> str:
        """All clamps as text; empty if there is none."""
        cells = " · ".join(map(str, self.clamps))
        return tr("clamped: {cells}", cells=cells) if cells else ""


def identity_of(model: Model) -> ModelIdentity:
    """Return what models that share their neurons have in common: shape, run and corpus."""
    run, sha256 = model.training.get("run"), model.corpus.get("sha256")
    return model.config, model.vocabulary.characters, str(run), str(sha256)


class GenerationSettings:
    """Settings that may change while a text streams; the thread reads them at every character.

    Only the screen's thread changes them; each change sends `changed`.
    """

    def __init__(self) -> None:
        self.changed = Signal()
        self.sampling = SamplingConfig()
        self.active_clamps = ActiveClamps()
        """Replaced as a whole, because the generation thread may be reading it."""
        self.speed: int | None = 60
        self.length = DEFAULT_LENGTH

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        self.changed.send()

    def warm(self, difference: float) -> None:
        """Add to the temperature, within its bounds; acts from the next character on."""
        bounds = SamplingConfig.bounds()["temperature"]
        wanted = round(self.sampling.temperature + difference, 2)
        temperature = max(float(bounds.minimum), min(float(bounds.maximum), wanted))
        self.sampling = replace(self.sampling, temperature=temperature)

    def cycle_speed(self) -> None:
        """Switch to the next speed, and from full speed to the slowest."""
        now = self.speed
        faster = [speed for speed in SPEEDS if now is not None and (speed is None or speed > now)]
        self.speed = (faster or SPEEDS)[0]

    def next_due(self, due: float, now: float) -> float:
        """Return when the next character is due after one at `due`, in seconds of one clock."""
        return now if self.speed is None else max(due, now - _LONGEST_LAG) + 1 / self.speed

    @property
    def speed_label(self) -> str:
        """The speed as text."""
        return tr("full speed") if self.speed is None else tr("{speed} ch/s", speed=self.speed)

    @property
    def active_settings(self) -> list[str]:
        """The temperature, and other sampling settings that differ from their defaults."""
        now, usual = self.sampling, SamplingConfig()
        temperature = now.temperature
        decimals = ".1f" if temperature == round(temperature, 1) else "g"
        words = [tr("temperature {value}", value=f"{temperature:{decimals}}")]
        for name, value in now.to_mapping().items():
            if name not in _SHOWN_ELSEWHERE and value != getattr(usual, name):
                shown = value if isinstance(value, str) else f"{value:g}"
                words.append(safe_line(f"{tr(SHORT_NAMES.get(name, name))} {shown}"))
        return words

    @property
    def length_label(self) -> str:
        """The length as text; empty if it is the default."""
        if self.length == DEFAULT_LENGTH:
            return ""
        return tr("length {count:,}", count=self.length)

    def add_clamp(self, clamp: Clamp, model: Model) -> None:
        """Clamp one more neuron, or change its value; release the neurons of other models."""
        others = [one for one in self.active_clamps.of(model) if one.neuron != clamp.neuron]
        self.active_clamps = ActiveClamps((*others, clamp), identity_of(model))

    def remove_clamps(self, clamps: tuple[Clamp, ...]) -> None:
        """Release these neurons."""
        kept = tuple(one for one in self.active_clamps.clamps if one not in clamps)
        self.active_clamps = ActiveClamps(kept, self.active_clamps.identity)


READ_ONLY: Final = "This view is read-only: it cannot start or control a training."


class WeightsSource(StrEnum):
    """Which weights generate."""

    DEFAULT = "default"
    NEWEST = "the run's newest weights"
    BEST = "the run's best checkpoint"


@dataclass
class Session:
    """The state of the app; there is one per app."""

    runs_folder: Path
    model: str | None = None
    """The model of `WeightsSource.DEFAULT`: a file, a run or a name; None is the bundled one."""
    model_is_named: bool = False
    """Whether the command line names that model; then only its own run may be shown."""
    settings: GenerationSettings = field(default_factory=GenerationSettings)
    """Sampling, speed, length and clamps."""
    view: RunView | None = None
    source: WeightsSource = WeightsSource.DEFAULT
    """The source that the user chose; see `next_source`."""
    trainers: dict[Path, subprocess.Popen[bytes]] = field(default_factory=dict)
    """Processes of the trainers that this app started, by run directory; `poll` reaps them."""
    left_training: dict[Path, RunDirectory] = field(default_factory=dict)
    """Runs that were training when another run was shown in their place."""
    started: RunDirectory | None = None
    """The run that this app started last; it generates from its first checkpoint on.

    None if it cannot, or must not: see `takes_started`. None once the user has chosen a model.
    """
    form: object = None
    """The last values of the new-run form, whose type only the form knows."""
    is_readonly: bool = False
    """Whether the app sends no requests to trainers, not even for their newest weights."""
    theme: str = ""
    """The requested theme; empty lets `ThemedApp.apply_theme` choose."""
    preferences: Preferences = field(default_factory=Preferences)
    """The saved settings of the user."""
    tape: Path | None = None
    """A tape to open at the start."""
    xray: Path | None = None
    """A text to x-ray at the start."""
    seed_file: Path | None = None
    """A file whose end is the first seed text."""
    opens_tour: bool = False
    """Whether the app opens on its guided tour."""
    keys: tuple[Key, ...] = KEYS
    """The table of keys with the user's changes."""
    problems: tuple[str, ...] = ()
    """Problems in the user's settings, shown when the app opens."""

    @property
    def run(self) -> RunDirectory | None:
        """The shown run."""
        return self.view.run if self.view else None

    @property
    def has_live_run(self) -> bool:
        """Whether the shown run is training."""
        return self.view is not None and self.view.is_live

    @property
    def is_paused(self) -> bool:
        """Whether the shown run is paused."""
        return self.view is not None and self.view.state == "paused"

    @property
    def takes_started(self) -> bool:
        """Whether a run that this app starts may become the source; not with `-m`."""
        return not (self.model_is_named or self.is_readonly)

    @property
    def follows_started(self) -> bool:
        """Whether the run that this app started is shown and has a checkpoint."""
        view = self.view
        return view is not None and view.run == self.started and view.checkpoint_step is not None

    @property
    def takes_best(self) -> bool:
        """Whether the best weights of the shown run generate once it has finished."""
        return self.follows_started or self.source is WeightsSource.BEST

    @property
    def next_source(self) -> WeightsSource:
        """Which weights generate from the next seed on; without a run, those of a model.

        A run that this app started generates with its best weights once it has finished: its
        newest may be worse.
        """
        if self.view is None:
            return WeightsSource.DEFAULT
        if self.follows_started:
            is_finished = self.view.state == "finished"
            return WeightsSource.BEST if is_finished else WeightsSource.NEWEST
        return self.source

    @property
    def is_model_chosen(self) -> bool:
        """Whether the weights are chosen: by name, or those of a run."""
        return self.model is not None or self.next_source is not WeightsSource.DEFAULT

    @property
    def source_name(self) -> str:
        """The model that generates from the next seed on, as safe text."""
        if self.next_source is WeightsSource.DEFAULT:
            return safe_line(Path(self.model or preferred_models()[0]).name)
        return tr(self.next_source.value)

    def trained_elsewhere(self) -> list[RunDirectory]:
        """Return the runs, other than the shown one, that are training as far as this app knows."""
        ended = {path for path, trainer in self.trainers.items() if trainer.poll() is not None}
        runs = dict.fromkeys([*self.left_training.values(), *map(RunDirectory, self.trainers)])
        return [run for run in runs if run.path not in ended and run != self.run]

    def exit_code(self, run: RunDirectory, status: RunStatus | None) -> int | None:
        """Return the exit code of the trainer that this app started for a run; None while it runs.

        This is known immediately, even if it ended before it recorded its process id. The result is
        None once another process has resumed the run.
        """
        trainer = self.trainers.get(run.path)
        if trainer is None or trainer.poll() is None:
            return None
        owner = (status.pid, status.host) if status and status.pid else None
        if owner in {None, (trainer.pid, socket.gethostname())}:
            return trainer.returncode
        del self.trainers[run.path]
        return None


def session_for(found: Resolution, runs_folder: Path, *, is_readonly: bool) -> Session:
    """Return a session with the user's preferences."""
    preferences = found.preferences
    settings = GenerationSettings()
    settings.sampling, settings.speed = preferences.sampling(), preferences.pace
    settings.length = preferences.length or DEFAULT_LENGTH
    keys, problems = remap(found.keys)
    return Session(
        runs_folder=runs_folder,
        model=preferences.model,
        model_is_named=found.origins["model"] is Origin.FLAG,
        settings=settings,
        is_readonly=is_readonly,
        theme=preferences.theme or "",
        preferences=preferences,
        keys=keys,
        problems=(*found.problems, *(f"{found.file}: {problem}" for problem in problems)),
    )
