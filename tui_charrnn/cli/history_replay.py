"""`charrnn-tui history replay`: a text of the history, said again."""

import dataclasses
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tui_charrnn.cli.output import discard_output, narrate, refused_output, stdout_is_terminal
from tui_charrnn.cli.text_output import TextOutput
from tui_charrnn.errors import ExitCode, StorageError
from tui_charrnn.history.generation import Entry, Generation
from tui_charrnn.history.lookup import find_entry, find_same_model
from tui_charrnn.history.store import History

if TYPE_CHECKING:
    from tui_charrnn.generation.stream import CharacterStream


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
    path = find_same_model(entry, may_differ=anyway)
    said = entry.generation
    stream = _open_stream(path, said)
    read = stream.prime(said.seed_text).text
    again: list[str] = []
    is_complete = _write(read if echo else "", _said_again(stream, said, again))
    _tell_difference(entry, "".join(again))
    if not is_complete:
        raise typer.Exit(ExitCode.INTERRUPTED)


def _open_stream(path: Path, said: Generation) -> "CharacterStream":
    if "numpy" not in sys.modules:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `generate` does
    # deferred: NumPy, 0.1 s that `--help` does not need
    from tui_charrnn.generation.stream import CharacterStream  # noqa: PLC0415  deferred, see above
    from tui_charrnn.model.checkpoint import load_model  # noqa: PLC0415  deferred, see above

    sampling = dataclasses.replace(said.sampling[0][1], rng_seed=said.rng_seed)
    return CharacterStream(load_model(path), sampling)


def _said_again(stream: "CharacterStream", said: Generation, again: list[str]) -> Iterator[str]:
    """The characters, which are noted down as far as there is something to hold them against."""
    changes = dict(said.sampling[1:])
    for position in range(said.length):
        if position in changes:
            stream.sampling = dataclasses.replace(changes[position], rng_seed=said.rng_seed)
        character = stream.next().character
        if position < len(said.text):
            again.append(character)
        yield character


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


def _tell_difference(entry: Entry, again: str) -> None:
    kept = entry.generation.text
    if kept.startswith(again):
        return
    pairs = zip(kept, again, strict=False)
    place = next(place for place, (one, other) in enumerate(pairs) if one != other)
    narrate(
        f"This is not what was said then: it differs from character {place + 1:,} on. "
        f"Another machine, or texts that were said side by side, may round in another way."
    )
