"""What is open in the app: the run that is shown, and the weights and settings that generate."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tui_charrnn.preferences import Origin, Preferences
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.safe_text import safe_line
from tui_charrnn.sampling_config import SamplingConfig
from tui_charrnn.translation import tr
from tui_charrnn.tui.keys.keymap import remap
from tui_charrnn.tui.keys.table import KEYS

if TYPE_CHECKING:  # the first frame does not wait for what is known of runs
    import subprocess

    from tui_charrnn.generation.neuron import Clamp
    from tui_charrnn.model.checkpoint import Model
    from tui_charrnn.preferences import Resolution
    from tui_charrnn.runs.description import RunStatus
    from tui_charrnn.tui.keys.table import Key
    from tui_charrnn.viewing.run_view import RunView

SPEEDS: Final[tuple[int | None, ...]] = (10, 30, 60, 120, 500, None)
"""Characters a second; None is as fast as it goes."""
_LONGEST_LAG: Final = 0.1  # seconds; a longer stall is not made up for by a burst
DEFAULT_LENGTH: Final = 2_000
"""Characters after which a text pauses, to be continued."""

SHORT_NAMES: Final = {
    "top_k": "top-k",
    "top_p": "top-p",
    "min_p": "min-p",
    "repetition_penalty": "penalty",
    "repetition_window": "window",
    "line_starts": "lines",
}
_SHOWN_ELSEWHERE: Final = frozenset({"temperature", "rng_seed"})

ModelIdentity = tuple[object, ...]
"""Models whose neurons are the same ones, as those of one run at different steps are."""


class ActiveClamps(NamedTuple):
    """Neurons that are held, and of which models they are."""

    clamps: tuple[Clamp, ...] = ()
    identity: ModelIdentity = ()

    def of(self, model: Model) -> tuple[Clamp, ...]:
        """Those of a model; none if another one was meant."""
        return self.clamps if self.clamps and self.identity == identity_of(model) else ()

    @property
    def short_words(self) -> str:
        """The one that is held, or how many are; empty if none is."""
        if len(self.clamps) > 1:
            return tr("{count} cells held", count=len(self.clamps))
        return tr("{cell} held", cell=self.clamps[0]) if self.clamps else ""

    @property
    def words(self) -> str:
        """What is held, for people; empty if nothing is."""
        cells = " · ".join(map(str, self.clamps))
        return tr("held: {cells}", cells=cells) if cells else ""


def identity_of(model: Model) -> ModelIdentity:
    """What models have in common whose neurons are the same ones: shape, run and corpus."""
    run, sha256 = model.training.get("run"), model.corpus.get("sha256")
    return model.config, model.vocabulary.characters, str(run), str(sha256)


class GenerationSettings:
    """What can be changed while a text streams; read by the thread at every character."""

    def __init__(self) -> None:
        self.sampling = SamplingConfig()
        self.held = ActiveClamps()
        """Replaced as a whole, for the thread may be reading it."""
        self.speed: int | None = 60
        self.length = DEFAULT_LENGTH

    def warm(self, difference: float) -> None:
        """Add to the temperature, within its bounds, at once and also in the middle of a text."""
        bounds = SamplingConfig.bounds()["temperature"]
        wanted = round(self.sampling.temperature + difference, 2)
        temperature = max(float(bounds.minimum), min(float(bounds.maximum), wanted))
        self.sampling = replace(self.sampling, temperature=temperature)

    def cycle_speed(self) -> None:
        """Go on to the next pace, and from the fastest to the slowest."""
        now = self.speed
        faster = [speed for speed in SPEEDS if now is not None and (speed is None or speed > now)]
        self.speed = (faster or SPEEDS)[0]

    def next_due(self, due: float, now: float) -> float:
        """When the character comes after one that was due; seconds of one clock."""
        return now if self.speed is None else max(due, now - _LONGEST_LAG) + 1 / self.speed

    @property
    def speed_label(self) -> str:
        """The pace for people."""
        return tr("full speed") if self.speed is None else tr("{speed} ch/s", speed=self.speed)

    @property
    def active_words(self) -> list[str]:
        """The temperature, and each other setting that is not as it comes."""
        now, usual = self.sampling, SamplingConfig()
        temperature = now.temperature
        decimals = ".1f" if temperature == round(temperature, 1) else "g"
        words = [tr("temperature {value}", value=f"{temperature:{decimals}}")]
        for name, value in now.to_mapping().items():
            if name not in _SHOWN_ELSEWHERE and value != getattr(usual, name):
                shown = value if isinstance(value, str) else f"{value:g}"
                words.append(safe_line(f"{tr(SHORT_NAMES.get(name, name))} {shown}"))
        if self.length != DEFAULT_LENGTH:
            words.append(tr("length {count:,}", count=self.length))
        return words

    def hold(self, clamp: Clamp, model: Model) -> None:
        """Hold one more neuron of a model, or one at another value; those of others are let go."""
        others = [one for one in self.held.of(model) if one.neuron != clamp.neuron]
        self.held = ActiveClamps((*others, clamp), identity_of(model))

    def let_go(self, clamps: tuple[Clamp, ...]) -> None:
        """Hold these no more."""
        kept = tuple(one for one in self.held.clamps if one not in clamps)
        self.held = ActiveClamps(kept, self.held.identity)


READ_ONLY: Final = "This view is read-only: nothing is asked of the trainer."


class Source(StrEnum):
    """Whose weights generate."""

    DEFAULT = "the bundled model"
    NEWEST = "the run's newest weights"
    BEST = "the run's best checkpoint"


@dataclass
class Session:
    """What is open; one for the life of the app."""

    runs_folder: Path
    model: str | None = None
    """The model of `Source.DEFAULT`: a file, a run or a name; None is the first bundled one."""
    model_is_named: bool = False
    """Whether the command line names that model: then the run is shown that it is of, or none."""
    settings: GenerationSettings = field(default_factory=GenerationSettings)
    """Temperature and pace."""
    view: RunView | None = None
    source: Source = Source.DEFAULT
    trainers: dict[Path, subprocess.Popen[bytes]] = field(default_factory=dict)
    """Trainers that this app started, by run directory: they are to be reaped when they end."""
    left_training: dict[Path, RunDirectory] = field(default_factory=dict)
    """Runs that were being trained when another one was shown in their place."""
    started: RunDirectory | None = None
    """The run that this app started last."""
    started_words: str = ""
    """What that is: preset and length."""
    form: object = None
    """What was last typed into the training form, whose values only the form knows."""
    is_readonly: bool = False
    """Whether nothing may be asked of a trainer, not even its newest weights."""
    theme: str = ""
    """The theme that is asked for; empty leaves it to `ThemedApp.apply_theme`."""
    preferences: Preferences = field(default_factory=Preferences)
    """What the user set for every time."""
    tape: Path | None = None
    """A tape that is open from the start on."""
    xray: Path | None = None
    """A text that is read from the start on, and shown in the colors of the x-ray."""
    seed_file: Path | None = None
    """A file whose end is the first seed text."""
    opens_tour: bool = False
    """Whether the app opens on its guided tour."""
    keys: tuple[Key, ...] = KEYS
    """The table of keys with the user's own in it."""
    problems: tuple[str, ...] = ()
    """What is not right in the user's settings, to be said once the app is open."""

    @property
    def run(self) -> RunDirectory | None:
        """The run that is shown."""
        return self.view.run if self.view else None

    @property
    def has_live_run(self) -> bool:
        """Whether the run that is shown is being trained."""
        return self.view is not None and self.view.is_live

    @property
    def is_paused(self) -> bool:
        """Whether its trainer waits until it is told to go on."""
        return self.view is not None and self.view.state == "paused"

    @property
    def is_model_chosen(self) -> bool:
        """Whether the user chose whose weights generate: by name, or a run's."""
        return self.model is not None or (
            self.view is not None and self.source is not Source.DEFAULT
        )

    @property
    def source_name(self) -> str:
        """Which model generates from the next seed on, safe to show."""
        if self.source is Source.DEFAULT and self.model is not None:
            return safe_line(Path(self.model).name)
        return tr(self.source.value)

    def trained_elsewhere(self) -> list[RunDirectory]:
        """Runs beside the shown one that were being trained as far as this app knows."""
        others = dict(self.left_training)
        for path, trainer in self.trainers.items():
            if trainer.poll() is None:
                others[path] = RunDirectory(path)
            else:
                others.pop(path, None)
        if self.run is not None:
            others.pop(self.run.path, None)
        return list(others.values())

    def exit_code(self, run: RunDirectory) -> int | None:
        """How the trainer that this app started for a run ended; None if it has not."""
        trainer = self.trainers.get(run.path)
        return trainer.poll() if trainer else None

    def has_lost_trainer(self, run: RunDirectory, status: RunStatus | None) -> bool:
        """Whether the trainer that this app started for a run is gone.

        Known at once, even of one that ended before it wrote its number down. Once another process
        has taken the run up, this one no longer matters.
        """
        trainer = self.trainers.get(run.path)
        if trainer is None or trainer.poll() is None:
            return False
        taken_up_by = (status.pid, status.host) if status and status.pid else None
        if taken_up_by in {None, (trainer.pid, socket.gethostname())}:
            return True
        del self.trainers[run.path]
        return False


def session_for(found: Resolution, runs_folder: Path, *, is_readonly: bool) -> Session:
    """A session as its user prefers it."""
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
