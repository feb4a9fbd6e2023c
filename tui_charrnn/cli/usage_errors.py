"""What is said of a command line that is refused, made safe, and how commands are listed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import typer
from typer.core import TyperGroup

from tui_charrnn.errors import ConfigError
from tui_charrnn.invocation import command
from tui_charrnn.safe_text import safe_line

_GONE: Final = {
    "launch": "There is no `launch` any more: start every process yourself, by srun, mpirun or a "
    "shell each, with `train --headless ... --cluster HOST:PORT,HOST:PORT --rank N`."
}
_WHOLE: Final = 1000
"""Characters that no first sentence of a command reaches."""


class SafeGroup(TyperGroup):
    """Commands; no refusal of theirs brings a control character to the terminal.

    Typer's own refusals quote from the command line.
    """

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the options before the command."""
        with _safe_refusals():
            return super().make_context(*arguments, **options)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; one that there was once is answered with what takes its place."""
        if args and args[0] in _GONE and args[0] not in self.commands:
            raise ConfigError(_GONE[args[0]])
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Read the rest and carry it out."""
        with _safe_refusals():
            return super().invoke(ctx)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands, each by its whole first sentence, in as many rows as that takes."""
        for each in self.commands.values():
            each.short_help = each.short_help or each.get_short_help_str(_WHOLE)
        super().format_commands(ctx, formatter)


def refuse_options_before_command(context: typer.Context) -> None:
    """Refuse options that stand before a subcommand, which takes no notice of them.

    Args:
        context: Of the program or of one of its groups of commands.

    Raises:
        ConfigError: If there are any.
    """
    name = context.invoked_subcommand
    given = next((each for each in context.command.params if _is_given(context, each.name)), None)
    if name is None or given is None:
        return
    option = max(given.opts, key=len)
    place = command(*context.command_path.split()[1:], name, option)
    value = f" {given.metavar}" if given.metavar else ""
    raise ConfigError(f"Options stand behind the command, as in: {place}{value}")


def _is_given(context: typer.Context, name: str | None) -> bool:
    source = context.get_parameter_source(name) if name else None
    return source is not None and source.name == "COMMANDLINE"


@contextmanager
def _safe_refusals() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        message = getattr(error, "message", None)  # Typer's refusals have one
        if isinstance(message, str):
            error.message = safe_line(message)  # type: ignore[attr-defined]  # as just seen
        raise
