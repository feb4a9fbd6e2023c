"""What the chief of a cluster tells the other trainers to do, one order after another.

Whatever is decided is decided by the chief: it alone reads requests, scores, saves and rolls back,
and what all do at once it orders, so all stand at the same step at any time.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import safetensors.numpy

from tui_charrnn.model.weights import Float32

_LENGTH: Final = struct.Struct("<I")
_WEIGHTS, _TRAINING = "weights/", "training/"
Tensors = Mapping[str, npt.NDArray[np.generic]]


class Task(StrEnum):
    """What is to be done by all."""

    BEGIN = "begin"
    """Build the engine, by the path that comes with it."""
    RESTORE = "restore"
    """Take up weights, optimizer and states that come with it."""
    TRAIN = "train"
    """Take one step: its number and learning rate."""
    GATHER = "gather"
    """Let the chief have the states."""
    LISTEN = "listen"
    """Say whether there is a reason to leave."""
    END = "end"
    """Leave: the exit code, the state of the run and a sentence."""


@dataclass(frozen=True, slots=True)
class Order:
    """One task."""

    task: Task
    values: Mapping[str, Any] = field(default_factory=dict)
    """What goes with it, as JSON can hold it."""
    data: bytes = b""
    """Tensors."""

    def encode(self) -> bytes:
        """Bytes for `decode_order`."""
        text = json.dumps({"task": self.task.value, **self.values}).encode()
        return _LENGTH.pack(len(text)) + text + self.data


def decode_order(received: bytes) -> Order:
    """Read what `Order.encode` wrote, in a process of the same version."""
    (length,) = _LENGTH.unpack_from(received)
    end = _LENGTH.size + length
    values = json.loads(received[_LENGTH.size : end])
    return Order(Task(values.pop("task")), values, received[end:])


def pack_tensors(weights: Mapping[str, Float32], training: Tensors) -> bytes:
    """What `Engine.restore` takes, as bytes."""
    named = {_WEIGHTS + name: each for name, each in weights.items()} | {
        _TRAINING + name: each for name, each in training.items()
    }
    # safetensors writes the bytes of a transposed array in the wrong order without complaint
    return safetensors.numpy.save({name: np.array(each, order="C") for name, each in named.items()})


def unpack_tensors(data: bytes) -> tuple[dict[str, Float32], dict[str, npt.NDArray[np.generic]]]:
    """The inverse of `pack_tensors`."""
    named = safetensors.numpy.load(data)
    weights = {
        name.removeprefix(_WEIGHTS): each
        for name, each in named.items()
        if name.startswith(_WEIGHTS)
    }
    training = {
        name.removeprefix(_TRAINING): each
        for name, each in named.items()
        if name.startswith(_TRAINING)
    }
    return weights, training
