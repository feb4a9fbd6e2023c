"""`charrnn-tui launch`: several workers on this host train together, watched and begun again."""

import os
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

import typer

from tui_charrnn.cli.launch_orphans import adopt_orphans
from tui_charrnn.cli.launch_plan import Plan, divide_gpus, option_names, visible_gpus
from tui_charrnn.cli.launch_supervision import Supervisor
from tui_charrnn.cli.output import narrate
from tui_charrnn.errors import ConfigError, ExitCode
from tui_charrnn.invocation import command
from tui_charrnn.training.machine import thread_count

_OURS: Final = frozenset({"--cluster", "--rank"})
"""Options of `train` that this command has the say of."""
_TO_GO_ON: Final = frozenset({
    ExitCode.UNEXPECTED,
    ExitCode.CANNOT_SAVE,
    ExitCode.RESUME_ME,
    ExitCode.INTERRUPTED,
})
"""Ends after which there is more to train."""


def launch(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="-- train ...",
            help="After `--`, the command that every worker carries out.",
            show_default=False,
        ),
    ],
    workers: Annotated[
        int, typer.Option("--workers", "-n", help="How many workers.", metavar="N", min=1, max=4096)
    ] = 2,
    restarts: Annotated[
        int,
        typer.Option(
            help="How often all begin again from the last checkpoint when one has died.",
            metavar="N",
            min=0,
        ),
    ] = 3,
    gpus_per_worker: Annotated[
        int | None,
        typer.Option(
            help="GPUs of each worker; without it, all visible ones are divided evenly.",
            metavar="N",
            min=1,
        ),
    ] = None,
) -> None:
    """Start several workers on this host that train one run together, and watch them.

    For trying out what several hosts would do, and for several GPUs with a process each. Ports,
    ranks, threads and GPUs are given to each worker. The chief's lines appear as they are, those of
    the others on standard error with their rank before them. When a worker dies, all end, and begin
    again from the last checkpoint. Signals are handed on to all of them.

    Exit codes: as of `train`. 2, 3, 4, 5, 6, 75 and 130 are not begun again; 1 if a worker died
    once more than --restarts allows.
    """
    train = train_words(words, datetime.now().astimezone())
    gpus = visible_gpus(os.environ)
    plan = Plan(train, workers, divide_gpus(gpus, workers, gpus_per_worker), thread_count(None))
    adopt_orphans()
    narrate(f"{plan.summary} Ctrl-C once: save and stop all; twice: stop now.")
    code = Supervisor(plan.commands, restarts).run()
    if code in _TO_GO_ON:
        narrate(f"Go on with: {command('launch', f'--workers={workers}', '--', *plan.again())}")
    raise typer.Exit(code)


def train_words(words: Sequence[str], now: datetime) -> list[str]:
    """The command of every worker, completed by what several of them need.

    Args:
        words: What stands after `--`.
        now: The time, for the name of a run that was given none.

    Raises:
        ConfigError: If it is no `train`, or one that several workers cannot carry out.
    """
    if not words or words[0] != "train":
        raise ConfigError(
            "What is launched is a training: charrnn-tui launch --workers 2 -- train --headless "
            f"CORPUS. Received: {' '.join(words[:3]) or '(nothing)'}"
        )
    given = option_names(words)
    if ours := given & _OURS:
        raise ConfigError(
            f"launch gives every worker its place itself: leave {', '.join(sorted(ours))} out."
        )
    if "--detach" in given:
        raise ConfigError("launch stays and watches: leave --detach out.")
    if "-" in words:
        raise ConfigError(
            "Several workers cannot read one standard input: save the text as a file and name "
            "that. Received: -"
        )
    completed = list(words)
    if "--headless" not in given:
        completed.append("--headless")
    if "--name" not in given:
        completed += ["--name", f"{now:%m%d-%H%M%S}-launch"]
    return completed
