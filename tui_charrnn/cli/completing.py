"""What a shell completes beside options: names of ours, and paths where the shell does not."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import typer

from tui_charrnn.cli.places import runs_folder
from tui_charrnn.errors import CharRNNError
from tui_charrnn.invocation import COMPLETION
from tui_charrnn.paths import parse_path
from tui_charrnn.presets import PRESETS
from tui_charrnn.resources import bundled_models, resource_folder
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.user_folders import config_folder

_PLAIN: Final = "_@%+=:,./-"
"""Besides letters and digits, as `shlex.quote` has it."""
_MOST_PATHS: Final = 10_000
"""Entries of a folder that are offered."""
_NOT_FIRST: Final = ("-", "=", "%")
"""Characters with a meaning at the beginning of a word: options, commands (zsh), jobs."""


def complete_run(context: typer.Context, incomplete: str) -> list[str]:
    """The names of the runs that begin so.

    Args:
        context: Of the command line so far, which may name another folder of runs.
        incomplete: What was typed of the name.
    """
    return _beginning(incomplete, _run_names(context))


def complete_model(context: typer.Context, incomplete: str) -> list[str]:
    """The names of the bundled models and of the runs that begin so, and files.

    Args:
        context: Of the command line so far, which may name another folder of runs.
        incomplete: What was typed of the name.
    """
    names = [*bundled_models(), *_run_names(context)]
    return [*_beginning(incomplete, names), *complete_path(incomplete)]


def complete_corpus(incomplete: str) -> list[str]:
    """The names of the known texts that begin so, and files."""
    # deferred: what downloads texts, which the other commands do not wait for
    from tui_charrnn.text.catalogue import load_catalogue  # noqa: PLC0415  deferred, see above

    return [*_beginning(incomplete, load_catalogue()), *complete_path(incomplete)]


def complete_theme(incomplete: str) -> list[str]:
    """The names of the themes that begin so, bundled or the user's own."""
    folders = [resource_folder("themes"), config_folder() / "themes"]
    names = {path.stem for folder in folders for path in folder.glob("*.toml")}
    return _beginning(incomplete, sorted(names))


def complete_one_of(names: Iterable[str]) -> Callable[[str], list[str]]:
    """What completes one of some names."""
    known = list(names)
    return lambda incomplete: _beginning(incomplete, known)


def complete_path(incomplete: str) -> list[str]:
    """The paths that begin so, a folder with a slash at its end.

    Bash completes and quotes paths itself; what zsh and fish are told is all that they offer.
    """
    if os.environ.get(COMPLETION) == "complete_bash":
        return []
    start, slash, beginning = incomplete.rpartition("/")
    try:
        folder = parse_path(start + slash, "The folder") if slash else Path()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)[:_MOST_PATHS]
        names = [f"{each.name}/" if each.is_dir() else each.name for each in entries]
    except (OSError, CharRNNError):
        return []
    visible = [name for name in names if beginning.startswith(".") or not name.startswith(".")]
    return _beginning(incomplete, [start + slash + name for name in visible])


def complete_preset(incomplete: str) -> list[str]:
    """The names of the presets that begin so."""
    return _beginning(incomplete, PRESETS)


def _run_names(context: typer.Context) -> Iterator[str]:
    try:
        folder = runs_folder(context.params.get("runs_dir"), is_lenient=True)
        paths = sorted(folder.iterdir())
    except (OSError, CharRNNError):  # no such folder, or none that may be read
        return
    for path in paths:
        if not path.name.startswith(".") and RunDirectory(path).description.is_file():
            yield path.name


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    """Those that begin so; what a shell or a terminal would act on is left out.

    What is completed is evaluated by zsh, and stands unquoted on the command line of bash: a folder
    that somebody else named must not run a command there. Such a run is named by its path, which
    the shell completes and quotes itself.
    """
    return [name for name in names if name.startswith(incomplete) and _is_plain(name)]


def _is_plain(name: str) -> bool:
    """Whether a name means nothing but itself to bash, zsh and fish, without quotes."""
    return name[:1] not in _NOT_FIRST and all(
        character.isalnum()
        or character in _PLAIN
        or (character > "\x7f" and character.isprintable())
        for character in name
    )
