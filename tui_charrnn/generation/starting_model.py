"""The model that a run starts from: its weights, and what the run has to say of it."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tui_charrnn.errors import ModelFileError
from tui_charrnn.generation.sources import find_model
from tui_charrnn.generation.training_corpus import texts_of
from tui_charrnn.model.checkpoint import parse_model
from tui_charrnn.presets import StartingPoint
from tui_charrnn.runs.description import ModelOrigin, RunDescription
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.translation import tr


@dataclass(frozen=True, slots=True)
class StartingModel:
    """A model that a run starts from, as its file was when it was read."""

    point: StartingPoint
    vocabulary: Vocabulary
    origin: ModelOrigin
    data: bytes
    """The file."""


def starting_point_of(description: RunDescription) -> StartingPoint | None:
    """What a run has started from; None if it did from no model."""
    origin = description.origin
    if origin is None:
        return None
    return StartingPoint(
        origin.name,
        description.model,
        description.training.units,
        description.training.records,
    )


def open_starting_model(
    argument: str, runs_folder: Path, tell: Callable[[str], None] = lambda _: None
) -> StartingModel:
    """Read the model that a run is to start from; arguments as of `find_model`.

    Raises:
        ModelFileError: If there is no such model, or its file is damaged.
    """
    path = find_model(argument, runs_folder, tell).absolute()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelFileError.unreadable(tr("The model {path}", path=path), error) from error
    model, sha256 = parse_model(io.BytesIO(data), len(data), path), hashlib.sha256(data).hexdigest()
    name = Path(argument).name.removesuffix(path.suffix)
    name = str(model.training.get("run", name)) if name == path.stem == "model" else name
    run = RunDirectory(path.parent)
    if path == run.initial_model and (copied := read_description(run).origin) is not None:
        name, path = copied.name, Path(copied.path)  # to make such a run once more
    origin = ModelOrigin(
        name=name,
        path=str(path),
        sha256=sha256,
        characters=len(model.vocabulary),
        texts=texts_of(model),
    )
    point = StartingPoint(name, model.config, model.units, model.records)
    return StartingModel(point, model.vocabulary, origin, data)
