"""Every command and where it lives; only the one that is called is loaded."""

import os
from collections.abc import Sequence
from importlib import import_module
from typing import Final

import typer

from tui_charrnn.cli.usage_errors import SafeGroup
from tui_charrnn.invocation import COMPLETION

COMMANDS: Final = {
    "train": "train:train",
    "resume": "resume:resume",
    "generate": "generate:generate",
    "score": "score:score",
    "neurons": "neurons:neurons",
    "history": "history:history_app",
    "attach": "attach:attach",
    "stop": "control:stop",
    "set": "control:change",
    "pause": "control:pause",
    "unpause": "control:unpause",
    "models": "models:models",
    "doctor": "doctor:doctor",
    "runs": "runs:runs_app",
    "corpora": "corpora:corpora_app",
    "config": "config:config_app",
}
"""Module and name of each, in the order of the help."""


def add_commands(app: typer.Typer, arguments: Sequence[str]) -> None:
    """Give a command line what an invocation needs: one command, or none, or for the help all.

    Args:
        app: The command line.
        arguments: What it is called with.
    """
    for name in wanted_commands(arguments):
        module, _, attribute = COMMANDS[name].partition(":")
        command = getattr(import_module(f"tui_charrnn.cli.{module}"), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, cls=SafeGroup)
        else:
            app.command(name)(command)


def wanted_commands(arguments: Sequence[str]) -> list[str]:
    """The names of the commands that must be known to understand the arguments."""
    if COMPLETION in os.environ:
        return list(COMMANDS)
    if not arguments:
        return []
    # options of the app itself may come first, and their values are not told from commands
    return [arguments[0]] if arguments[0] in COMMANDS else list(COMMANDS)
