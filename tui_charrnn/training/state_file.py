"""training.safetensors: what resuming needs and sampling does not.

Optimizer variables, carried states, and in its metadata the plan, the progress with the changes
of the learning rate, and the fingerprint of the machine. Learning rate, dropout masks and batches
are functions of these and of the step, so nothing else has to be kept for a resume that is exact to
the bit.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from tui_charrnn.errors import RunError
from tui_charrnn.training.loop import Progress
from tui_charrnn.training.machine import processor_name
from tui_charrnn.training.plan import Plan
from tui_charrnn.training.schedule import RateChange

FORMAT = 1


@dataclass(frozen=True, slots=True)
class TrainingState:
    """A checkpoint's second half."""

    tensors: Mapping[str, npt.NDArray[np.generic]]
    plan: Plan
    progress: Progress
    best_baseline: tuple[int, float]
    """Order and loss of the best n-gram."""
    fingerprint: Mapping[str, str]
    """What the bits of a result depend on."""


def serialize_training_state(state: TrainingState) -> bytes:
    """The bytes of a training.safetensors."""
    document = {
        "format": FORMAT,
        "plan": asdict(state.plan),
        "progress": asdict(state.progress),
        "best_baseline": list(state.best_baseline),
        "fingerprint": dict(state.fingerprint),
    }
    # safetensors writes the bytes of a transposed array in the wrong order without complaint
    contiguous = {name: np.array(tensor, order="C") for name, tensor in state.tensors.items()}
    metadata = {"charrnn-training": json.dumps(document, allow_nan=False)}
    return safetensors.numpy.save(contiguous, metadata)


def load_training_state(path: Path) -> TrainingState:
    """Read a training.safetensors that the manifest vouches for.

    Raises:
        RunError: If it is not one.
    """
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            document = json.loads(file.metadata()["charrnn-training"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a dict
        return _state_from(document, tensors)
    except (OSError, KeyError, TypeError, ValueError, safetensors.SafetensorError) as error:
        raise RunError(f"The training state {path} cannot be used: {error}") from error


def _state_from(
    document: Mapping[str, Any], tensors: Mapping[str, npt.NDArray[np.generic]]
) -> TrainingState:
    if document["format"] != FORMAT:
        raise ValueError(f"format {document['format']!r}; this version reads format {FORMAT}")
    order, loss = document["best_baseline"]
    return TrainingState(
        tensors,
        Plan(**document["plan"]),
        _progress_from(document["progress"]),
        (int(order), float(loss)),
        document["fingerprint"],
    )


def _progress_from(values: Mapping[str, Any]) -> Progress:
    changes = [RateChange(int(step), float(rate)) for step, rate in values.get("changes", ())]
    return Progress(**{**values, "changes": tuple(changes)})


def machine_fingerprint(device: str, threads: int, versions: Mapping[str, str]) -> dict[str, str]:
    """What the bits of a result depend on besides the run itself."""
    return {
        "device": device,
        "processor": processor_name(),
        "threads": str(threads),
        "numpy": np.__version__,
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
        **versions,
    }


def differences(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    """What differs between two fingerprints, in words; empty if nothing does."""
    names = sorted({*then, *now})
    return ", ".join(
        f"{name} {then.get(name, 'unknown')} then, {now.get(name, 'unknown')} now"
        for name in names
        if then.get(name) != now.get(name)
    )
