"""What can be changed while a text streams: settings, pace, and which neurons are held."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from tui_charrnn.safe_text import safe_line
from tui_charrnn.sampling_config import SamplingConfig
from tui_charrnn.translation import tr

if TYPE_CHECKING:
    from tui_charrnn.generation.clamping import Clamp
    from tui_charrnn.model.checkpoint import Model

SPEEDS: Final[tuple[int | None, ...]] = (10, 30, 60, 120, 500, None)
"""Characters a second; None is as fast as it goes."""
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


@dataclass(frozen=True, slots=True)
class ActiveClamps:
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
