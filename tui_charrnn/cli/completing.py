"""What a shell completes beside options: names of runs, models and presets."""

from collections.abc import Iterable, Iterator
from typing import Final

import typer

from tui_charrnn.cli.places import runs_folder
from tui_charrnn.presets import PRESETS
from tui_charrnn.resources import bundled_models
from tui_charrnn.runs.layout import RunDirectory

_PLAIN: Final = "_@%+=:,./-"
"""Besides letters and digits, as `shlex.quote` has it."""
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
    """The names of the bundled models and of the runs that begin so; files are the shell's own.

    Args:
        context: Of the command line so far, which may name another folder of runs.
        incomplete: What was typed of the name.
    """
    return _beginning(incomplete, [*bundled_models(), *_run_names(context)])


def complete_preset(incomplete: str) -> list[str]:
    """The names of the presets that begin so."""
    return _beginning(incomplete, PRESETS)


def _run_names(context: typer.Context) -> Iterator[str]:
    try:
        folder = runs_folder(context.params.get("runs_dir"), is_lenient=True)
        paths = sorted(folder.iterdir())
    except OSError:  # no such folder, or none that may be read: nothing to complete
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
