"""Find the model file that a name means: a path, a run, or a bundled model."""

import contextlib
import difflib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tui_charrnn import folders
from tui_charrnn.errors import ModelFileError, did_you_mean
from tui_charrnn.folders import DEFAULT_MODEL, KOREAN_MODEL
from tui_charrnn.hangul import count_hangul
from tui_charrnn.model.header import ModelFacts, read_facts
from tui_charrnn.paths import Kind, find_kind, is_folder, parse_path, stored_path
from tui_charrnn.runs.catalogue import list_runs
from tui_charrnn.runs.checkpoints import best_or_newest, format_missed_best
from tui_charrnn.runs.layout import CheckpointDirectory, RunDirectory, has_own_live_model
from tui_charrnn.translation import tr

_LONGEST_LINE: Final = 200  # characters


def find_model(
    argument: str | None, runs_folder: Path, notify: Callable[[str], None] = lambda _: None
) -> Path:
    """Return the model file that an argument names; None stands for the default model.

    Precedence: the path of a file, a run directory or a checkpoint; the name of a run in the runs
    folder; the name of a bundled model. For a run it is the best checkpoint, else the newest, else
    the weights published for sampling. `notify` is called with a sentence if the best checkpoint
    cannot be used.

    Raises:
        ModelFileError: If nothing is found; similar names are listed.
    """
    if argument is None:
        return folders.default_model()
    bundled = folders.bundled_models()
    path = parse_path(argument, tr("The model"), error=ModelFileError)
    try:
        found = _at_path(path, notify)
        if found is None and Path(argument).name == argument:
            run = RunDirectory(stored_path(runs_folder / argument))
            found = _at_run(run, notify) or bundled.get(argument)
        if found is None:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                RunDirectory(runs_folder / argument).description.lstat()  # raises if unreadable
            raise ModelFileError(_unknown_sentence(argument, path, runs_folder, list(bundled)))
    except OSError as error:
        place = error.filename or path  # perhaps in the runs folder
        raise ModelFileError.unreadable(tr("The model {path}", path=place), error) from error
    return found


def bundled_for(text: str) -> str | None:
    """Return the bundled model for the script of a text.

    Returns:
        The Korean model for a line with Hangul, or a longer text with more syllables than Latin
        letters; else the English one for a text with Latin letters; None for other texts, or if
        that model is not installed.
    """
    hangul = count_hangul(text)
    latin = sum(character.isascii() and character.isalpha() for character in text)
    # the English model cannot read a line with Hangul, but a text that quotes some
    is_korean = hangul > 0 and (len(text) <= _LONGEST_LINE or hangul >= latin)
    name = KOREAN_MODEL if is_korean else DEFAULT_MODEL if latin else ""
    return name if name in folders.bundled_models() else None


def bundled_instead(unknown: str, vocabulary: str) -> str | None:
    """Return the Korean model if a seed text has Hangul and a model's vocabulary has none."""
    # does not check that the model is installed: the UI thread must not wait for the disk
    return KOREAN_MODEL if count_hangul(unknown) and not count_hangul(vocabulary) else None


def _at_path(path: Path, notify: Callable[[str], None]) -> Path | None:
    kind = find_kind(path)
    if kind is Kind.FILE:
        return path
    if kind is not None and kind is not Kind.FOLDER:
        raise ModelFileError("The model {path} is {kind}, not a file.", path=path, kind=tr(kind))
    model = CheckpointDirectory(path).model
    is_own = model.is_file() and not model.is_symlink()  # a link may point out of the run
    return model if is_own else _at_run(RunDirectory(path), notify)


def _at_run(run: RunDirectory, notify: Callable[[str], None]) -> Path | None:
    """Return the model of a run to sample from, or None if there is no such run."""
    if not os.path.lexists(run.description):
        return None
    checkpoint = best_or_newest(run)
    if missed := format_missed_best(run, checkpoint):
        notify(missed)
    if checkpoint is not None:
        return checkpoint.model
    if has_own_live_model(run):
        return run.live_model
    raise ModelFileError(
        "The run {run!r} has no model yet. Try again after its first checkpoint.",
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
    """Yield every model that has a name: bundled ones, the default first, then runs, newest first.

    A bundled model is left out if a run has the same name, which takes precedence. Runs without a
    saved model are left out.

    Raises:
        RunError: After the bundled models, if the runs folder cannot be read.
    """
    for name, path in folders.bundled_models().items():
        if not os.path.lexists(RunDirectory(runs_folder / name).description):
            yield OfferedModel(name, "bundled", read_facts(path))
    for run in (summary.run for summary in list_runs(runs_folder)):
        checkpoint = best_or_newest(run)
        path = checkpoint.model if checkpoint else run.live_model
        if path.is_file():
            yield OfferedModel(run.name, "run", read_facts(path))
