"""`charrnn-tui history replay`: a text of the history, said again."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tui_charrnn.cli.output import discard_output, narrate, refused_output, stdout_is_terminal
from tui_charrnn.cli.text_output import TextOutput
from tui_charrnn.errors import ExitCode, StorageError
from tui_charrnn.history.generation import Generation
from tui_charrnn.history.lookup import find_entry, find_same_model
from tui_charrnn.history.store import History
from tui_charrnn.invocation import command

if TYPE_CHECKING:
    from tui_charrnn.generation.replay import Replay


def replay(
    number: Annotated[
        int, typer.Argument(metavar="ID", help="Its number in the list.", show_default=False)
    ],
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Let the model speak even if its file has changed.")
    ] = False,
    echo: Annotated[
        bool, typer.Option("--echo/--no-echo", help="Write the seed text first.")
    ] = True,
) -> None:
    """Have a text said again, by the same model with the same settings."""
    entry = find_entry(History(), number)
    path = find_same_model(
        entry,
        may_differ=anyway,
        kept=f"The text is kept: {command('history', 'show', str(number))}",
        anyway="To let the changed model speak with the same settings, add --anyway.",
    )
    said_again = _begin(path, entry.generation)
    is_complete = _write(said_again.read_text if echo else "", iter(said_again.next, None))
    _tell_difference(said_again)
    if not is_complete:
        raise typer.Exit(ExitCode.INTERRUPTED)


def _begin(path: Path, said: Generation) -> "Replay":
    if "numpy" not in sys.modules:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `generate` does
    # deferred: NumPy, 0.1 s that `--help` does not need
    from tui_charrnn.generation.replay import Replay  # noqa: PLC0415  deferred, see above
    from tui_charrnn.model.checkpoint import load_model  # noqa: PLC0415  deferred, see above

    return Replay(load_model(path), said)


def _write(seed_text: str, characters: Iterator[str]) -> bool:
    """Write to standard output; return False if Ctrl-C cut it short."""
    if sys.stdout is None:
        raise StorageError("Standard output is closed: there is nowhere to write the text to.")
    encoding = sys.stdout.encoding if stdout_is_terminal() else None
    output = TextOutput(sys.stdout.buffer, terminal_encoding=encoding)
    try:
        try:
            output.write(seed_text)
            for character in characters:
                output.write(character)
        except KeyboardInterrupt:
            return False
        finally:
            output.close()
    except BrokenPipeError:  # the reader has had enough, as `head` has
        discard_output()
    except OSError as error:
        discard_output()
        raise refused_output(error) from error
    return True


def _tell_difference(said_again: "Replay") -> None:
    place = said_again.difference()
    if place is None:
        return
    narrate(
        f"This is not what was said then: it differs from character {place + 1:,} on. "
        f"Another machine, or texts that were said side by side, may round in another way."
    )
