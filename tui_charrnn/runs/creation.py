"""Making a new run directory: whole or not at all."""

import contextlib
import importlib.metadata
import os
import platform
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tui_charrnn import __version__
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import ConfigError, StorageError
from tui_charrnn.runs.description import CorpusReference, RunDescription, RunState, RunStatus
from tui_charrnn.runs.host import host_name
from tui_charrnn.runs.json_values import encode_json
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.storage import Storage
from tui_charrnn.runs.writer import utc_now
from tui_charrnn.text.corpus import split_point

if TYPE_CHECKING:  # the vocabulary brings NumPy, which the app loads after its first frame
    from tui_charrnn.text.corpus import Corpus
    from tui_charrnn.text.vocabulary import Vocabulary

_NAME_LIMIT: Final = 100  # bytes; some file systems stop at 143
_SLUG_LIMIT: Final = 24  # characters


def create_run(  # noqa: PLR0913 (a run is described by exactly these, each named by the caller)
    folder: Path,
    *,
    name: str | None,
    preset: str,
    model: ModelConfig,
    training: TrainingConfig,
    corpus: "Corpus",
    vocabulary: "Vocabulary",
    parameter_count: int,
    storage: Storage | None = None,
) -> RunDirectory:
    """Make a run directory that a trainer can take up.

    Args:
        folder: Where it is put; made if it is missing.
        name: Its name, or None for one of the time and the corpus, like 1124-1543-pydoc.
        preset: Name of the preset that the settings came from, or an empty string.
        model: The network.
        training: How it is trained.
        corpus: The text; one that cannot be read again is stored in the run.
        vocabulary: Its characters.
        parameter_count: How many numbers are learned.
        storage: The way to the disk.

    Raises:
        ConfigError: If the name is taken or cannot be the name of a folder.
        StorageError: If the disk refuses; nothing is left behind.
    """
    storage = storage or Storage()
    folder = folder.expanduser().absolute()
    final = RunDirectory(folder / (_free_name(folder, corpus.name) if name is None else name))
    if name is not None:
        _refuse_bad_name(folder, name)
    description = RunDescription(
        name=final.name,
        created=utc_now().isoformat(timespec="seconds"),
        preset=preset,
        model=model,
        training=training,
        corpus=_reference(corpus, training),
        vocabulary=vocabulary.characters,
        parameter_count=parameter_count,
        host=host_name(),
        versions=_versions(),
    )
    stored_text = None if corpus.sources else corpus.text.encode()
    storage.make_folder(folder)
    _write_run(final, storage, description, stored_text)
    return final


def _write_run(
    final: RunDirectory, storage: Storage, description: RunDescription, stored_text: bytes | None
) -> None:
    hidden = RunDirectory(final.path.with_name(f".creating-{final.name}-{os.getpid()}"))
    try:
        storage.remove_tree(hidden.path)
        storage.make_folder(hidden.path)
        for folder in (hidden.control, hidden.checkpoints, hidden.live_model.parent):
            storage.make_folder(folder)
        if stored_text is not None:
            storage.write_new(hidden.corpus, stored_text)
        status = RunStatus(state=RunState.CREATED, host=description.host)
        storage.write_new(hidden.events, b"")
        storage.write_new(hidden.status, encode_json(status.to_json()))
        storage.write_new(hidden.description, encode_json(description.to_json()))
        storage.publish_folder(hidden.path, final.path)
    except StorageError:
        with contextlib.suppress(StorageError):
            storage.remove_tree(hidden.path)
        raise


def _reference(corpus: "Corpus", training: TrainingConfig) -> CorpusReference:
    characters = len(corpus.text)
    return CorpusReference(
        name=corpus.name,
        sources=tuple(corpus.sources),
        encoding=corpus.encoding,
        unify_newlines=corpus.unify_newlines,
        compose=corpus.compose,
        sha256=corpus.sha256,
        characters=characters,
        training_characters=split_point(characters, training.validation_fraction),
    )


def _refuse_bad_name(folder: Path, name: str) -> None:
    is_plain = name.isprintable() and name == name.strip() and len(os.fsencode(name)) <= _NAME_LIMIT
    if not name or "/" in name or name.startswith((".", "-", "~")) or not is_plain:
        raise ConfigError(
            f"A run's name is the name of its folder: at most {_NAME_LIMIT} bytes of printable "
            f"characters without '/', not beginning with '.', '-' or '~'. Received: {name!r}"
        )
    if os.path.lexists(folder / name):
        raise ConfigError(f"There is a run {name!r} in {folder} already; choose another name.")


def _free_name(folder: Path, corpus_name: str) -> str:
    """Like 1124-1543-pydoc: month, day, hour and minute of local time, and the corpus."""
    slug = re.sub(r"[^\w.]+", "-", Path(corpus_name).stem).strip("-._")[:_SLUG_LIMIT].lower()
    stamp = datetime.now().astimezone().strftime("%m%d-%H%M")
    stem = f"{stamp}-{slug or 'run'}"
    number, name = 1, stem
    while os.path.lexists(folder / name):
        number += 1
        name = f"{stem}-{number}"
    return name


def _versions() -> dict[str, str]:
    versions = {"charrnn-tui": __version__, "python": platform.python_version()}
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        versions["tensorflow"] = importlib.metadata.version("tensorflow")
    return versions
