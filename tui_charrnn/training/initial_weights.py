"""Where a run begins: with random weights, or with those of the model that it starts from."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

from tui_charrnn.errors import RunError
from tui_charrnn.model.checkpoint import parse_model
from tui_charrnn.model.weights import grown_tensors, tensors_from_weights
from tui_charrnn.runs.opened_file import open_to_read

if TYPE_CHECKING:
    from tui_charrnn.model.weights import Float32
    from tui_charrnn.runs.description import RunDescription
    from tui_charrnn.runs.layout import RunDirectory
    from tui_charrnn.training.context import RunEngine


def take_initial_weights(engine: RunEngine, run: RunDirectory, description: RunDescription) -> None:
    """Have an engine that stands before its first step stand where a run begins.

    The moments of the optimizer and the states stay zero.

    Raises:
        RunError: If the run's copy of the model that it starts from is damaged or gone.
    """
    if description.origin is None:
        return
    weights = initial_weights(run, description)
    training = engine.training_tensors()  # with weights of its own where the model's are averages
    trained = {f"trained.{name}": tensor for name, tensor in weights.items()}
    kept = {name: trained.get(name, tensor) for name, tensor in training.items()}
    engine.restore(weights, kept)


def initial_weights(run: RunDirectory, description: RunDescription) -> dict[str, Float32]:
    """The tensors of the model that a run starts from, with entries for what was added.

    Raises:
        RunError: If the run's copy of it is damaged or gone.
        ModelFileError: If it is no model.
    """
    origin, path = description.origin, run.initial_model
    if origin is None:
        raise ValueError("a run of random weights starts from no model")
    try:
        with open_to_read(path, inside=run.path) as opened:
            data = opened.buffered().read(opened.size())
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.") from error
    if hashlib.sha256(data).hexdigest() != origin.sha256:
        raise RunError(
            f"{path} is no longer the model that this run was made to start from: its sha256 is "
            f"not {origin.sha256}. Put it back from a copy, or start a new run."
        )
    model = parse_model(io.BytesIO(data), len(data), path)
    tensors = tensors_from_weights(model.weights, model.config)
    return grown_tensors(tensors, len(description.added_characters))
