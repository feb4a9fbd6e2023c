"""The choice of a path: on a processor by what is known, on a GPU by what was tried there."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.runs.records import PathChosen, PathTrial
from tui_charrnn.text.sources import never_cancelled
from tui_charrnn.training.engine.engine import Engine
from tui_charrnn.training.engine.path_trials import PathTester, Tried
from tui_charrnn.training.engine.paths import (
    ComputePath,
    ExplainedPath,
    RunSize,
    explain_processor_path,
    gpu_paths,
    reference_path,
)
from tui_charrnn.training.machine.devices import Device

TRIAL_BUDGET: Final = 15.0
"""Seconds for trials after the reference, which meets all that a device does for the first time.
Once a way works, none is begun that would end later if it took as long as the longest before."""
RECORDED_FACTS: Final = ("device", "layers", "compiler", "precision")
"""Those of `ComputePath.facts` that a `PathChosen` has, in its order."""
_COMPILER_REASONS: Final = {
    "cudnn": "XLA cannot compile cuDNN's kernels; it compiles the optimizer",
    "handwritten": "XLA compiles the whole step",
    "keras": "XLA compiles the optimizer",
}


@dataclass(frozen=True, slots=True)
class PathChoice:
    """A path with its reasons, and on a GPU what was tried."""

    explained: ExplainedPath
    trials: tuple[PathTrial, ...] = ()
    """The reference first, then in the order in which they were tried."""
    engine: Engine | None = None
    """The one that was tried, as it was before the first step: to build another takes seconds."""

    @property
    def path(self) -> ComputePath:
        """How to compute."""
        return self.explained.path

    @property
    def record(self) -> PathChosen | None:
        """What a run keeps of it; None on a processor, where nothing was tried."""
        if not self.trials:
            return None
        facts = self.path.facts()
        return PathChosen(**{name: facts[name] for name in RECORDED_FACTS}, trials=self.trials)


def choose_path(
    device: Device,
    model: ModelConfig,
    training: TrainingConfig,
    size: RunSize,
    begun: Mapping[str, str] | None = None,
    check_cancelled: Callable[[], None] = never_cancelled,
) -> PathChoice:
    """Decide how to compute, from the settings and what the device offers.

    Args:
        device: As `configure_devices` describes it.
        model: Shape of the network.
        training: Length of the run, precision, threads.
        size: Of the run, or of the part of it that one GPU computes.
        begun: `ComputePath.facts` of an earlier part of the same run: its precision is kept, and on
            a GPU its way if that still works.
        check_cancelled: Called before every trial; it raises to give the choice up.
    """
    begun = begun or {}
    if not device.is_gpu:
        kept = begun.get("precision") or None
        return PathChoice(explain_processor_path(model, training, size, kept))
    reference = reference_path(device)
    paths = gpu_paths(device, model, begun.get("precision") or training.precision)
    earlier = [path for path in (reference, *paths) if _is_way_of(path, begun)]
    tester = PathTester(model, training, size)
    trials, best = _try_paths(tester, reference, paths, earlier, check_cancelled)
    path, engine = (reference, None) if best is None else (best.path, best.engine)
    if engine is not None:
        engine.reset()
    if path in earlier:
        reason = "the run was begun so"
    elif path in paths:
        reason = f"the fastest of the {len(trials)} ways that were tried here"
    else:
        reason = "the reference, as no other way works here"
    reasons = {
        "device": _device_reason(device),
        "layers": reason,
        "compiler": _COMPILER_REASONS[path.layers] if path in paths else reason,
        "precision": reason if training.precision == "auto" else "the settings ask for it",
        "shards": "a GPU takes a batch as a whole",
    }
    return PathChoice(ExplainedPath(path, reasons), tuple(trials), engine)


def _try_paths(
    tester: PathTester,
    reference: ComputePath,
    paths: Sequence[ComputePath],
    earlier: Sequence[ComputePath],
    check_cancelled: Callable[[], None],
) -> tuple[list[PathTrial], Tried | None]:
    """Try the reference, the way that a run was begun in, and unless that works all others.

    Returns:
        What was tried, and what to take: None if nothing works.
    """
    trials: list[PathTrial] = []
    best: Tried | None = None
    spent, longest = 0.0, 0.0
    for path in dict.fromkeys((reference, *earlier, *paths)):
        check_cancelled()
        is_late = spent + longest > TRIAL_BUDGET
        if is_late and best is not None and best.path != reference:
            break
        begun = time.monotonic()
        tried = tester.try_path(path)
        if trials:
            seconds = time.monotonic() - begun
            spent, longest = spent + seconds, max(longest, seconds)
        trials.append(tried.trial)
        if tried.engine is None:
            continue
        if path in earlier:
            return trials, tried
        if best is None or best.path == reference or tried.seconds < best.seconds:
            best = tried  # of all engines only the best stays in memory
    return trials, best


def _is_way_of(path: ComputePath, begun: Mapping[str, str]) -> bool:
    facts = path.facts()
    was_gpu = begun.get("device", "CPU") != "CPU"
    return was_gpu and all(begun.get(name) == facts[name] for name in RECORDED_FACTS[1:])


def _device_reason(device: Device) -> str:
    others = len(device.gpus) - 1
    return "a GPU is preferred" + (f"; {others} more stay idle" if others else "")
