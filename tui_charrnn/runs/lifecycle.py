"""Creates, renames, deletes and restores run directories, each by a single rename of a folder.

A deleted run is moved to `.trash/TIME/NAME` in its parent folder: on the same disk, so deleting and
restoring are single renames, and hidden, so lists skip it.
"""

import codecs
import contextlib
import errno
import importlib.metadata
import itertools
import os
import platform
import re
import socket
import unicodedata
import uuid
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tui_charrnn import __version__
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import (
    CharRNNError,
    ConfigError,
    CorpusError,
    RunError,
    RunLockedError,
    StorageError,
)
from tui_charrnn.hangul import joined_pieces
from tui_charrnn.runs.description import (
    CorpusReference,
    ModelOrigin,
    RunDescription,
    RunState,
    RunStatus,
)
from tui_charrnn.runs.file_system import disk_size, names_in, storage_errors
from tui_charrnn.runs.json_values import DOCUMENT_LIMIT, encode_json
from tui_charrnn.runs.layout import RunDirectory, format_command
from tui_charrnn.runs.liveness import lock_out_trainers
from tui_charrnn.runs.storage import Storage
from tui_charrnn.translation import tr

if TYPE_CHECKING:  # the vocabulary brings NumPy, which the app loads after its first frame
    from tui_charrnn.text.corpus import Corpus
    from tui_charrnn.text.vocabulary import Vocabulary

_NAME_LIMIT: Final = 100  # bytes; some file systems stop at 143
_SLUG_LIMIT: Final = 24  # characters
_SHELL_CHARACTERS: Final = "\\ $ ` \" ' ; & | < > * ?"
"""Characters that a shell interprets if a name is completed or pasted without quotes."""
_TAKEN: Final = {errno.EEXIST, errno.ENOTEMPTY}
"""Errors of renaming a folder to a name that is taken."""
_BYTE_ORDER_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"


class NameTakenError(ConfigError):
    """A run of that name already exists."""


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
    pinned_seeds: tuple[str, ...] = (),
    origin: ModelOrigin | None = None,
    initial_model: bytes = b"",
) -> RunDirectory:
    """Create a run directory for a trainer, in a folder that is created if missing.

    Without a name, it has one of the time and the corpus, like 1124-1543-pydoc. The text is stored
    in it if it cannot be read again, or comes from more files than run.json can name.
    `initial_model` has the contents of the file of `origin`, the model to start from. The other
    arguments are those of `RunDescription`.

    Raises:
        CorpusError: If the held-out text is too short to evaluate.
        NameTakenError: If a run of that name exists, even if created at the same moment.
        ConfigError: If the name is not a valid folder name.
        StorageError: If the disk refuses; nothing is left behind.
    """
    storage = Storage()
    folder = folder.absolute()
    reference = _reference(corpus, training)
    _refuse_short_tail(reference, training)
    if name is not None:
        refuse_name(folder, name)
    names = iter([name]) if name is not None else free_names(folder, _default_name(corpus.name))
    description = RunDescription(
        name=next(names),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        preset=preset,
        model=model,
        training=training,
        corpus=reference,
        vocabulary=vocabulary.characters,
        unknown_symbol=vocabulary.unknown_symbol,
        parameter_count=parameter_count,
        host=socket.gethostname(),
        pinned_seeds=pinned_seeds,
        versions=_versions(),
        origin=origin,
    )
    if len(encode_json(description.to_json())) > DOCUMENT_LIMIT:
        description = replace(description, corpus=replace(reference, sources=()))
    stored_text = None if description.corpus.sources else joined_pieces(corpus.numbered.pieces())
    # random, not the name or the process id: another host may create a run in the same folder
    hidden = RunDirectory(folder / f".creating-{uuid.uuid4().hex}")
    try:
        storage.make_folder(folder)
        _write_run(hidden, storage, description, stored_text, initial_model)
        return _publish(hidden, storage, description, names)
    except (CharRNNError, KeyboardInterrupt) as error:
        with contextlib.suppress(StorageError):
            storage.remove_tree(hidden.path)
        if isinstance(error, StorageError):
            remedy = tr("--runs-dir or CHARRNN_RUNS names another folder.")
            raise StorageError(f"{error} {remedy}") from error.__cause__
        raise


def _write_run(
    hidden: RunDirectory,
    storage: Storage,
    description: RunDescription,
    stored_text: Iterator[str] | None,
    initial_model: bytes,
) -> None:
    storage.make_folder(hidden.path)
    for folder in (hidden.control, hidden.checkpoints, hidden.live_model.parent):
        storage.make_folder(folder)
    if stored_text is not None:
        with storage.open_beside(hidden.corpus) as file:
            for place, piece in enumerate(stored_text):
                if place == 0 and piece.startswith(_BYTE_ORDER_MARK):
                    file.write(codecs.BOM_UTF8)  # reading a file removes one
                file.write(piece.encode())
    if description.origin is not None:
        storage.write_atomically(hidden.initial_model, initial_model)
    status = RunStatus(state=RunState.CREATED, host=description.host)
    storage.write_atomically(hidden.events, b"")
    storage.write_atomically(hidden.status, encode_json(status.to_json()))


def _publish(
    hidden: RunDirectory, storage: Storage, description: RunDescription, names: Iterator[str]
) -> RunDirectory:
    """Rename a complete run to its name, or to the next one if that was taken meanwhile."""
    for name in itertools.chain([description.name], names):
        final = RunDirectory(hidden.path.with_name(name))
        document = encode_json(replace(description, name=name).to_json())
        storage.write_atomically(hidden.description, document)
        try:
            storage.rename(hidden.path, final.path)
        except StorageError as error:
            cause = error.__cause__
            if not isinstance(cause, OSError) or cause.errno not in _TAKEN:
                raise
        else:
            return final
    raise _name_taken(final)


def _name_taken(run: RunDirectory) -> NameTakenError:
    return NameTakenError(
        "The run {run!r} already exists in {folder}; choose another name.",
        run=run.name,
        folder=run.path.parent,
    )


def _reference(corpus: "Corpus", training: TrainingConfig) -> CorpusReference:
    characters = len(corpus)
    first_held_out = corpus.split(training.validation_fraction)
    return CorpusReference(
        name=corpus.name,
        sources=tuple(corpus.sources),
        **asdict(corpus.reading),
        units_per_character=corpus.units_per_character(first_held_out),
        sha256=corpus.sha256,
        characters=characters,
        training_characters=first_held_out,
    )


def _refuse_short_tail(reference: CorpusReference, training: TrainingConfig) -> None:
    held_out = reference.characters - reference.training_characters
    if held_out < 2:
        raise CorpusError(
            "The held-out text needs at least 2 characters, one to read and one to predict. "
            "Of {characters:,} characters, a validation_fraction of {validation_fraction:g} "
            "holds out {held_out}. Give a longer text or hold out a larger share.",
            characters=reference.characters,
            validation_fraction=training.validation_fraction,
            held_out=held_out,
        )


def refuse_name(folder: Path, name: str) -> None:
    """Check that a new run in a folder can have a name.

    Raises:
        ConfigError: If the name is taken or is not a valid folder name.
    """
    problem = name_problem(name)
    if problem:
        raise ConfigError("{problem} Received: {name!r}", problem=problem, name=name)
    if os.path.lexists(folder / name):
        raise _name_taken(RunDirectory(folder / name))


def name_problem(name: str) -> str:
    """Return why a name is not valid for a run; empty if it is."""
    size = len(os.fsencode(name))
    if not name.strip():
        return tr("A run's name has at least one character.")
    if size > _NAME_LIMIT:
        return tr(
            "A run's name is at most {most} bytes long; this one has {size:,}.",
            most=_NAME_LIMIT,
            size=size,
        )
    if not set(_SHELL_CHARACTERS.split()).isdisjoint(name):
        return tr(
            "A run's name must not contain the special characters of a shell: {signs}",
            signs=_SHELL_CHARACTERS,
        )
    if not name.isprintable() or name != name.strip() or "/" in name or name[0] in ".-~":
        return tr(
            "A run's name is the name of its folder: printable, without / and without a space at "
            "its ends, and it does not begin with '.', '-' or '~'."
        )
    return ""


def _default_name(corpus_name: str) -> str:
    """Return a name like 1124-1543-pydoc: local date and time, and the corpus."""
    words = re.sub(r"[^\w.]+", "-", unicodedata.normalize("NFC", Path(corpus_name).stem))
    slug = words.strip("-._")[:_SLUG_LIMIT].lower()
    return f"{datetime.now().astimezone():%m%d-%H%M}-{slug or 'run'}"


def free_names(folder: Path, stem: str, ending: str = "") -> Iterator[str]:
    """Yield names that are free in a folder: the given one, then with numbers, without end."""
    numbered = (f"{stem}-{number}{ending}" for number in itertools.count(2))
    for each in itertools.chain([stem + ending], numbered):
        if not os.path.lexists(folder / each):
            yield each


def _versions() -> dict[str, str]:
    versions = {"charrnn-tui": __version__, "python": platform.python_version()}
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        versions["tensorflow"] = importlib.metadata.version("tensorflow")
    return versions


TRASH: Final = ".trash"
_TIME_FORM: Final = "%Y%m%dT%H%M%S.%fZ"
_REMOVING: Final = ".removing-"
_TRASH_ENTRY: Final = re.compile(r"\d{8}T\d{6}\.\d{6}Z")
"""Names made by `_TIME_FORM`; this program puts nothing else in the trash."""


def rename_run(run: RunDirectory, name: str) -> RunDirectory:
    """Rename a run by renaming its folder; nothing inside it changes.

    Raises:
        ConfigError: If the name is taken or is not a valid folder name.
        RunLockedError: If it is being trained.
        StorageError: If the disk refuses; the run keeps its old name.
    """
    if name == run.name:
        return run
    refuse_name(run.path.parent, name)
    renamed = RunDirectory(run.path.with_name(name))
    with _trainers_kept_out(run):
        Storage().rename(run.path, renamed.path)
    return renamed


def refuse_live(run: RunDirectory) -> None:
    """Check that a run is not being trained.

    Raises:
        RunLockedError: If it is.
        StorageError: If this cannot be determined.
    """
    with _trainers_kept_out(run):
        pass


def trash_run(run: RunDirectory) -> RunDirectory:
    """Move a run to the trash of its folder; `restore_run` restores it.

    Returns:
        The run in the trash.

    Raises:
        RunLockedError: If it is being trained.
        StorageError: If the disk refuses; the run is unchanged.
    """
    storage = Storage(inside=run.path.parent)
    target = run.path.parent / TRASH / datetime.now(UTC).strftime(_TIME_FORM) / run.name
    with _trainers_kept_out(run):
        storage.make_folder(target.parent)
        try:
            storage.rename(run.path, target)
        except StorageError:
            with contextlib.suppress(OSError):
                target.parent.rmdir()
            raise
    return RunDirectory(target)


def list_trash(folder: Path) -> list[RunDirectory]:
    """Return the runs in the trash of a runs folder, most recently deleted first."""
    found = [
        folder / TRASH / deleted_at / name
        for deleted_at in filter(_TRASH_ENTRY.fullmatch, _names(folder / TRASH, folder))
        for name in _names(folder / TRASH / deleted_at, folder)
    ]
    return list(map(RunDirectory, reversed(found)))  # `names_in` sorts


def restore_run(folder: Path, name: str | None = None) -> tuple[RunDirectory, str]:
    """Restore the most recently deleted run, of a name if one is given, from the trash.

    Returns:
        The run, and its name before, to which a number was added if it is taken.

    Raises:
        RunError: If there is no such run in the trash.
        StorageError: If the disk refuses; the run stays in the trash.
    """
    trashed = list_trash(folder)
    wanted = next((run for run in trashed if name in {None, run.name}), None)
    if wanted is None:
        raise RunError(_nothing_to_restore(folder, name, trashed))
    run = RunDirectory(folder / next(free_names(folder, wanted.name)))
    Storage(inside=folder).rename(wanted.path, run.path)
    with contextlib.suppress(OSError):  # not empty if two were deleted at the same moment
        wanted.path.parent.rmdir()
    return run, wanted.name


def empty_trash(folder: Path) -> int:
    """Permanently remove the runs in the trash of a runs folder; other files there stay.

    Returns:
        The number of bytes freed.

    Raises:
        StorageError: If the disk refuses; the remaining runs stay in the trash.
    """
    storage = Storage(inside=folder)
    trash = folder / TRASH
    with storage_errors("read", trash):
        try:
            names = names_in(trash, inside=folder)
        except FileNotFoundError:
            return 0
    freed = 0
    for name in names:
        entry = name.removeprefix(_REMOVING)
        if not _TRASH_ENTRY.fullmatch(entry):
            continue
        hidden = trash / f"{_REMOVING}{entry}"
        if name == entry:  # hidden first, so that nobody restores half a run
            storage.rename(trash / name, hidden)
        freed += disk_size(hidden)
        storage.remove_tree(hidden)
    return freed


@contextlib.contextmanager
def _trainers_kept_out(run: RunDirectory) -> Iterator[None]:
    """Lock trainers out of a run inside the context."""
    try:
        lock = lock_out_trainers(run)
    except RunLockedError as error:
        raise RunLockedError(
            "The run {run} is being trained. Stop it first: {command}",
            run=run.name,
            command=format_command("stop", run),
        ) from error
    with lock:
        yield


def _nothing_to_restore(folder: Path, name: str | None, trashed: list[RunDirectory]) -> str:
    if not trashed:
        return tr("There is nothing in the trash of {folder}.", folder=folder)
    return tr(
        "There is no run {name!r} in the trash of {folder}. Deleted last: {names}.",
        name=name,
        folder=folder,
        names=", ".join(dict.fromkeys(run.name for run in trashed[:5])),
    )


def _names(folder: Path, runs: Path) -> list[str]:
    """Return the names in a folder of the trash; empty if it is unreadable or a link."""
    try:
        return names_in(folder, inside=runs)
    except OSError:
        return []
