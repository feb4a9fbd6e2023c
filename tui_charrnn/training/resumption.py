"""What a trainer resumes from: a checkpoint's training.safetensors, and the run's records.

The file contains optimizer variables and carried states, and in its metadata the plan, the progress
with the learning rate changes, and the fingerprint of the machine. Learning rate, dropout masks and
batches are functions of these and of the step, so this is enough for a bit-identical resume. The
records have decisions of earlier trainers about later steps, which are repeated.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from tui_charrnn.errors import RunError, reason_of
from tui_charrnn.metrics import LossHistory
from tui_charrnn.model.checkpoint import Model, parse_model
from tui_charrnn.model.header import HEADER_LIMIT
from tui_charrnn.model.weights import tensors_from_weights
from tui_charrnn.runs.description import CURVE_LENGTH
from tui_charrnn.runs.file_system import open_to_read
from tui_charrnn.runs.json_values import checked, decode_json
from tui_charrnn.runs.layout import CheckpointDirectory, RunDirectory
from tui_charrnn.runs.reader import BatchStretch, RunReader
from tui_charrnn.runs.records import (
    BaselinesMeasured,
    CheckpointSaved,
    LearningRateChanged,
    PathChosen,
    Record,
    RunExtended,
    RunPlanned,
    RunReplanned,
    RunResumed,
    RunRolledBack,
    SampleTaken,
)
from tui_charrnn.training.loop import Progress, RunEngine
from tui_charrnn.training.machine import processor_name
from tui_charrnn.training.plan import Horizon, Plan, RateChange, recorded_plan, with_changes

FORMAT = 1
_KEY: Final = "charrnn-training"


@dataclass(frozen=True, slots=True)
class TrainingState:
    """The training state of a checkpoint."""

    tensors: Mapping[str, npt.NDArray[np.generic]]
    plan: Plan
    progress: Progress
    best_baseline: tuple[int, float]
    """Order and loss of the best n-gram model."""

    fingerprint: Mapping[str, str]
    """Machine and library facts that bit-identical results depend on."""


def serialize_training_state(state: TrainingState) -> bytes:
    """Return the bytes of a training.safetensors."""
    document = {
        "format": FORMAT,
        "plan": asdict(state.plan),
        "progress": asdict(state.progress),
        "best_baseline": list(state.best_baseline),
        "fingerprint": dict(state.fingerprint),
    }
    # safetensors silently writes transposed arrays in the wrong order
    contiguous = {name: np.array(tensor, order="C") for name, tensor in state.tensors.items()}
    metadata = {_KEY: json.dumps(document, allow_nan=False)}
    return safetensors.numpy.save(contiguous, metadata)


def load_training_state(checkpoint: CheckpointDirectory) -> TrainingState:
    """Read the training state of a checkpoint.

    Raises:
        RunError: If it cannot be read or is invalid.
    """
    path = checkpoint.training
    try:
        with open_to_read(path, inside=checkpoint.run_path) as opened:
            file, size = opened.buffered(), opened.size()
            document = _read_document(file, size)
            file.seek(0)
            return _state_from(document, safetensors.numpy.load(file.read(size)))
    except MemoryError as error:
        raise RunError(f"The training state {path} is too large for the memory.") from error
    except OSError as error:
        raise RunError(f"The training state {path} cannot be read: {reason_of(error)}.") from error
    except (LookupError, TypeError, ValueError, safetensors.SafetensorError) as error:
        raise RunError(f"The training state {path} cannot be used: {str(error)[:300]}") from error


def read_model(checkpoint: CheckpointDirectory) -> Model:
    """Read the model of a checkpoint, without following links.

    Raises:
        RunError: If it cannot be read.
        ModelFileError: If it is not a model.
    """
    path = checkpoint.model
    try:
        with open_to_read(path, inside=checkpoint.run_path) as opened:
            return parse_model(opened.buffered(), path)
    except OSError as error:
        raise RunError.unreadable(path, error) from error


def restore(engine: RunEngine, checkpoint: CheckpointDirectory, state: TrainingState) -> None:
    """Restore an engine from a checkpoint and its training state, which has been read before.

    Raises:
        RunError: If the checkpoint cannot be read or does not fit the engine.
        ModelFileError: If its model file is not a model.
    """
    model = read_model(checkpoint)
    engine.restore(tensors_from_weights(model.weights, model.config), state.tensors)


def _read_document(file: BinaryIO, size: int) -> dict[str, Any]:
    """Return the JSON document in a safetensors file's metadata, after checking the file's size."""
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= min(HEADER_LIMIT, size - 8):
        raise ValueError("it is not a safetensors file")
    header = decode_json(file.read(length))
    if size != 8 + length + _data_size(header):
        raise ValueError("its length is not the one in its header")
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    text = metadata.get(_KEY) if isinstance(metadata, dict) else None
    document = decode_json(text) if isinstance(text, str) else None
    if not isinstance(document, dict):
        raise ValueError("it lacks its document")
    return document


def _data_size(header: object) -> int:
    """Return the bytes of tensor data according to a header."""
    entries = header if isinstance(header, dict) else {}
    tensors = [entry for name, entry in entries.items() if name != "__metadata__"]
    return max((checked(entry["data_offsets"][1], int) for entry in tensors), default=0)


def _state_from(
    document: Mapping[str, Any], tensors: Mapping[str, npt.NDArray[np.generic]]
) -> TrainingState:
    if document.get("format") != FORMAT:
        received = str(document.get("format"))[:20]
        raise ValueError(f"format {received}; this version reads format {FORMAT}")
    plan: Plan = checked(document["plan"], Plan)
    progress: Progress = checked(document["progress"], Progress)
    order, loss = document["best_baseline"]
    if min(plan.total_steps, plan.steps_per_epoch, plan.evaluate_every) < 1 or progress.step < 0:
        raise ValueError("its plan has no steps")
    return TrainingState(
        tensors,
        plan,
        progress,
        (checked(order, int), checked(loss, float)),
        checked(document["fingerprint"], Mapping[str, str]),
    )


def machine_fingerprint(device: str, threads: int, versions: Mapping[str, str]) -> dict[str, str]:
    """Return the machine and library facts that bit-identical results depend on."""
    return {
        "device": device,
        "processor": processor_name(),
        "threads": str(threads),
        "numpy": np.__version__,
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
        **versions,
    }


def differences(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Format the differences between two fingerprints; empty if they are equal."""
    names = sorted({*then, *now})
    return ", ".join(
        f"{name} {then.get(name, 'unknown')} then, {now.get(name, 'unknown')} now"
        for name in names
        if then.get(name) != now.get(name)
    )


_FIELDS: Final[dict[type, str]] = {
    RunPlanned: "planned",
    PathChosen: "chosen",
    BaselinesMeasured: "measured",
}
"""Fields that store the newest record of a kind."""


@dataclass(slots=True)
class RunHistory:
    """The state of a run that a trainer needs to continue from a step, reduced from its records."""

    planned: RunPlanned | None = None
    measured: BaselinesMeasured | None = None
    chosen: PathChosen | None = None
    """The last compute path on a GPU."""
    saved_step: int = 0
    """Step of the newest recorded checkpoint."""
    changes: tuple[RateChange, ...] = ()
    horizons: tuple[Horizon, ...] = ()
    """Later lengths of the run, including extensions."""
    extensions: tuple[RunExtended, ...] = ()
    rollbacks: int = 0
    step: int = 0
    """The step that the trainer continues from; 0 is the beginning."""
    sampled: frozenset[str] = frozenset()
    """Pinned seeds already sampled at that step."""
    losses: LossHistory = field(
        default_factory=lambda: LossHistory(2 * CURVE_LENGTH), compare=False
    )
    """Losses of the batches so far."""

    @property
    def plan(self) -> Plan | None:
        """The recorded plan; None if there is none."""
        return None if self.planned is None else recorded_plan(self.planned)

    def take(self, record: Record) -> None:
        """Apply one record, except batches."""
        match record:
            case RunPlanned() | PathChosen() | BaselinesMeasured():
                setattr(self, _FIELDS[type(record)], record)
            case RunReplanned() | RunExtended():
                self._change_length(record)
            case CheckpointSaved():
                self.saved_step = record.step
            case SampleTaken() if record.step == self.step:
                self.sampled |= {record.seed_text}
            case RunResumed():
                self._go_back(record.step)
            case LearningRateChanged():
                self._change_rate(record.step, record.learning_rate)
            case RunRolledBack():  # a trainer may have died before it recorded the change too
                self._change_rate(record.to_step + 1, record.learning_rate)
                self._go_back(record.to_step)
                self.rollbacks = record.attempt

    def _change_length(self, record: RunReplanned | RunExtended) -> None:
        self.horizons = with_changes(self.horizons, [Horizon(record.step, record.total_steps)])
        if isinstance(record, RunExtended):
            self._change_rate(record.step, record.learning_rate)
            self.extensions = (*self.extensions, record)

    def _change_rate(self, step: int, learning_rate: float) -> None:
        self.changes = with_changes(self.changes, [RateChange(step, learning_rate)])

    def _go_back(self, step: int) -> None:
        """Discard everything after a step."""
        self.losses.drop_after(step)
        self.saved_step = min(self.saved_step, step)
        if self.step > step:
            self.sampled = frozenset()

    def update_progress(self, progress: Progress) -> None:
        """Add changes recorded after the checkpoint to its progress.

        The steps after it are trained again with their original learning rates; `replan` does the
        same for the length of the run.
        """
        later = [change for change in self.changes if change.from_step > progress.step]
        progress.changes = with_changes(progress.changes, later)
        progress.rollbacks = max(progress.rollbacks, self.rollbacks)

    def replan(self, plan: Plan, step: int) -> None:
        """Add lengths recorded after a checkpoint's step to its plan."""
        for horizon in self.horizons:
            if horizon.from_step > step:
                plan.replan(horizon)
        plan.extensions = self.extensions or plan.extensions


def read_history(run: RunDirectory, step: int = 0) -> RunHistory:
    """Read a run's records, for a trainer that continues from `step`.

    Raises:
        RunError: If the file exists and cannot be read.
    """
    history = RunHistory(step=step)
    for item in RunReader(run).read_all():
        if isinstance(item, BatchStretch):
            history.losses.extend(item.steps, item.losses, item.elapsed)
        else:
            history.take(item)
    history.losses.drop_after(step)
    return history
