"""Which model file is meant: by path, by run, or by the name of a bundled one."""

import contextlib
import difflib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tui_charrnn import folders
from tui_charrnn.errors import ModelFileError, did_you_mean
from tui_charrnn.folders import DEFAULT_MODEL, KOREAN_MODEL
from tui_charrnn.hangul import has_hangul
from tui_charrnn.model.header import ModelFacts, read_facts
from tui_charrnn.paths import Kind, explained, find_kind, is_folder, parse_path
from tui_charrnn.runs.catalogue import list_runs
from tui_charrnn.runs.checkpoints import best_or_newest, missed_best
from tui_charrnn.runs.foreign_parts import has_own_live_model
from tui_charrnn.runs.layout import CheckpointDirectory, RunDirectory
from tui_charrnn.translation import tr


def find_model(
    argument: str | None, runs_folder: Path, notify: Callable[[str], None] = lambda _: None
) -> Path:
    """The model file that an argument names; None stands for the default model.

    A path that leads to a file, a run directory or a checkpoint wins over the name of a run in the
    runs folder, and that over the name of a bundled model. Of a run it is the best checkpoint, else
    the newest, else the weights published for sampling. `notify` takes a sentence if the best
    checkpoint of a run cannot be taken.

    Raises:
        ModelFileError: If nothing is found; names that are near are listed.
    """
    if argument is None:
        return folders.default_model()
    bundled = folders.bundled_models()
    path = parse_path(argument, tr("The model"), error=ModelFileError)
    with explained(tr("The model"), path, ModelFileError):
        found = _at_path(path, notify)
        if found is None and Path(argument).name == argument:
            found = _at_run(RunDirectory(runs_folder / argument), notify) or bundled.get(argument)
        if found is None:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                RunDirectory(runs_folder / argument).description.lstat()  # a closed run raises
            raise ModelFileError(_unknown_sentence(argument, path, runs_folder, list(bundled)))
    return found


def bundled_for(text: str) -> str | None:
    """The bundled model that knows the script of a text, where no model was chosen.

    Returns:
        The Korean one for a text with Hangul, the English one for another with Latin letters; None
        where neither is the case or it is not there: the user's language decides.
    """
    is_latin = any(character.isascii() and character.isalpha() for character in text)
    name = KOREAN_MODEL if has_hangul(text) else DEFAULT_MODEL if is_latin else ""
    return name if name in folders.bundled_models() else None


def bundled_instead(unknown: str, vocabulary: str) -> str | None:
    """The bundled model that knows the Hangul of a seed text, if another vocabulary knows none."""
    # whether it is there is not looked up: the screen does not wait for a disk
    return KOREAN_MODEL if has_hangul(unknown) and not has_hangul(vocabulary) else None


def _at_path(path: Path, notify: Callable[[str], None]) -> Path | None:
    kind = find_kind(path)
    if kind is Kind.FILE:
        return path
    if kind is not None and kind is not Kind.FOLDER:
        raise ModelFileError("The model {path} is {kind}, and no file.", path=path, kind=tr(kind))
    model = CheckpointDirectory(path).model
    is_own = model.is_file() and not model.is_symlink()  # no link that was put into a run
    return model if is_own else _at_run(RunDirectory(path), notify)


def _at_run(run: RunDirectory, notify: Callable[[str], None]) -> Path | None:
    """The model to sample from a run with, or None if there is no such run."""
    if not os.path.lexists(run.description):
        return None
    checkpoint = best_or_newest(run)
    if missed := missed_best(run, checkpoint):
        notify(missed)
    if checkpoint is not None:
        return checkpoint.model
    if has_own_live_model(run):
        return run.live_model
    raise ModelFileError(
        "The run {run!r} has no model yet. Its trainer has to save a first checkpoint; try "
        "again when it has.",
        run=run.name,
    )


def _unknown_sentence(argument: str, path: Path, runs_folder: Path, bundled: list[str]) -> str:
    if is_folder(path):
        return tr("The folder {name!r} is neither a run nor a checkpoint.", name=argument)
    runs = [run.name for run in runs_folder.iterdir()] if is_folder(runs_folder) else []
    near = difflib.get_close_matches(argument, [*runs, *bundled], n=3)
    if near:
        hint = did_you_mean(map(repr, near))
    else:
        hint = tr(
            "Bundled models: {names}. `charrnn-tui runs` lists the runs.",
            names=", ".join(bundled) or tr("none"),
        )
    problem = tr("There is no model file, run or bundled model {name!r}.", name=argument)
    return f"{problem} {hint}"


@dataclass(frozen=True, slots=True)
class OfferedModel:
    """A model and the name by which `--model` finds it."""

    name: str
    origin: Literal["bundled", "run"]
    facts: ModelFacts


def offered_models(runs_folder: Path) -> Iterator[OfferedModel]:
    """Every model that has a name: the default first, runs newest first.

    A bundled one whose name a run has taken is left out, as the run is what its name leads to.
    Runs that have saved nothing yet are left out too.

    Raises:
        RunError: After the bundled ones, if the folder cannot be read.
    """
    for name, path in folders.bundled_models().items():
        if not os.path.lexists(RunDirectory(runs_folder / name).description):
            yield OfferedModel(name, "bundled", read_facts(path))
    for run in (summary.run for summary in list_runs(runs_folder)):
        checkpoint = best_or_newest(run)
        path = checkpoint.model if checkpoint else run.live_model
        if path.is_file():
            yield OfferedModel(run.name, "run", read_facts(path))
