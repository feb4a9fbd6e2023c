"""A checkpoint's training.safetensors, from which a trainer resumes.

The file contains optimizer variables and carried states, and in its metadata the plan, the progress
with the learning rate changes, and the fingerprint of the machine. Learning rate, dropout masks and
batches are functions of these and of the step, so this is enough for a bit-identical resume.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from tui_charrnn.errors import RunError
from tui_charrnn.model.checkpoint import Model, parse_model
from tui_charrnn.model.header import HEADER_LIMIT
from tui_charrnn.model.weights import tensors_from_weights
from tui_charrnn.runs.file_system import open_to_read
from tui_charrnn.runs.json_values import checked, decode_json
from tui_charrnn.runs.layout import CheckpointDirectory
from tui_charrnn.training.loop import Progress, RunEngine
from tui_charrnn.training.plan import Plan

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
        raise RunError.unreadable(f"The training state {path}", error) from error
    except (LookupError, TypeError, ValueError, safetensors.SafetensorError) as error:
        raise RunError(f"The training state {path} cannot be used: {str(error)[:300]}") from error


def read_model(checkpoint: CheckpointDirectory) -> Model:
    """Read the model of a checkpoint, without following links.

    Raises:
        RunError: If it cannot be read.
        ModelFileError: If it is not a model.
    """
    path = checkpoint.model
    with RunError.if_unreadable(path), open_to_read(path, inside=checkpoint.run_path) as opened:
        return parse_model(opened.buffered(), path)


def restore(engine: RunEngine, checkpoint: CheckpointDirectory, state: TrainingState) -> None:
    """Restore an engine from a checkpoint and its training state, which has been read before.

    Raises:
        RunError: If the checkpoint cannot be read or does not fit the engine.
        ModelFileError: If its model file is not a model.
    """
    model = read_model(checkpoint)
    engine.restore(tensors_from_weights(model.weights, model.config), state.tensors)


def _read_document(file: BinaryIO, size: int) -> dict[str, Any]:
    """Return the JSON document of a safetensors file, after checking the file's size."""
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= min(HEADER_LIMIT, size - 8):
        raise ValueError("it is not a safetensors file")
    entries = dict(decode_json(file.read(length)))
    metadata = dict(entries.pop("__metadata__", {}))
    ends = [checked(entry["data_offsets"][1], int) for entry in entries.values()]
    if size != 8 + length + max(ends, default=0):
        raise ValueError("its length is not the one in its header")
    document = decode_json(str(metadata.get(_KEY, "null")))
    if not isinstance(document, dict):
        raise ValueError("it lacks its document")
    return document


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
