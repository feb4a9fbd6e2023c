"""The command `generate`: text from a model, on standard output."""

import dataclasses
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final

import typer

from tui_charrnn.cli.options import RunsDir, runs_folder
from tui_charrnn.cli.output import (
    discard_output,
    narrate,
    refused_output,
    stdout_is_terminal,
)
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ConfigError, ExitCode, StorageError
from tui_charrnn.preferences.resolution import resolve
from tui_charrnn.safe_text import safe_text

if TYPE_CHECKING:
    from tui_charrnn.generation.stream import CharacterStream, SkippedCharacter

_FLUSH_INTERVAL: Final = 0.1
"""Seconds that a program reading the text waits for news at most."""

_NAMED_CHARACTERS: Final = 8
"""Skipped characters that are named one by one."""

DEFAULT_LENGTH: Final = 500
"""Characters, where neither an option nor a setting says how many."""

_BOUNDS: Final = SamplingConfig.bounds()
_PREFERRED: Final = ("temperature", "top_k", "top_p", "length", "model")
"""The settings that stand in for options."""


def generate(
    seed_text: Annotated[str, typer.Argument(help="How the text begins.")] = "",
    length: Annotated[
        int | None,
        typer.Option(
            "--length",
            "-n",
            help="Characters to generate after the seed text.",
            show_default=str(DEFAULT_LENGTH),
        ),
    ] = None,
    temperature: Annotated[
        str | None,
        typer.Option(
            "--temperature",
            "-t",
            help=_BOUNDS["temperature"].sentence,
            metavar="NUMBER",
            show_default=str(SamplingConfig().temperature),
        ),
    ] = None,
    top_k: Annotated[
        str | None, typer.Option(help=_BOUNDS["top_k"].sentence, metavar="NUMBER|none")
    ] = None,
    top_p: Annotated[
        str | None, typer.Option(help=_BOUNDS["top_p"].sentence, metavar="NUMBER|none")
    ] = None,
    rng_seed: Annotated[int | None, typer.Option(help=_BOUNDS["rng_seed"].sentence)] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="FILE|RUN|NAME",
            help="A model file, a run, or a bundled model; the first bundled one if left out.",
        ),
    ] = None,
    echo: Annotated[
        bool, typer.Option("--echo/--no-echo", help="Write the seed text first.")
    ] = True,
    runs_dir: RunsDir = None,
) -> None:
    """Write text from a model to standard output, character by character.

    On a terminal control characters are shown as signs; into a pipe goes the exact text, in UTF-8.
    Ctrl-C ends it, and what came is kept.
    """
    if length is not None and length < 0:
        raise ConfigError(f"length must be at least 0. Received: {length}.")
    flags = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "model": model}
    preferred = resolve(flags, wanted=_PREFERRED).checked()
    if length is None:
        length = preferred.length or DEFAULT_LENGTH
    sampling = dataclasses.replace(preferred.sampling(), rng_seed=rng_seed)
    stream = _open_stream(preferred.model, runs_dir, sampling)
    primed = stream.prime(seed_text)
    if primed.skipped:
        narrate(_skipped_sentence(primed.skipped))
    is_complete = _write_text(stream, primed.text if echo else "", length)
    if rng_seed is None and stdout_is_terminal():
        narrate(f"For the same text again: --rng-seed {stream.rng_seed}")
    if not is_complete:
        raise typer.Exit(ExitCode.INTERRUPTED)


def _open_stream(
    model: str | None, runs_dir: Path | None, sampling: SamplingConfig
) -> "CharacterStream":
    if "numpy" not in sys.modules:
        # One thread is enough for a vector and takes nothing from a trainer beside it; more
        # threads on a machine of many cores only wait for each other.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # deferred: NumPy, 0.1 s that `--help` does not need
    from tui_charrnn.generation.sources import find_model  # noqa: PLC0415  deferred, see above
    from tui_charrnn.generation.stream import CharacterStream  # noqa: PLC0415  deferred, see above
    from tui_charrnn.model.checkpoint import load_model  # noqa: PLC0415  deferred, see above

    return CharacterStream(load_model(find_model(model, runs_folder(runs_dir))), sampling)


def _write_text(stream: "CharacterStream", echoed: str, length: int) -> bool:
    """Write the text; return False if Ctrl-C cut it short."""
    if sys.stdout is None:
        raise StorageError("Standard output is closed: there is nowhere to write the text to.")
    encoding = sys.stdout.encoding if stdout_is_terminal() else None
    output = TextOutput(sys.stdout.buffer, terminal_encoding=encoding)
    is_complete = False
    try:
        try:
            output.write(echoed)
            for _ in range(length):
                output.write(stream.next().character)
            is_complete = True
        except KeyboardInterrupt:
            pass
        finally:
            output.close()
    except BrokenPipeError:  # the reader has had enough, as `head` has
        discard_output()
        return True
    except OSError as error:
        discard_output()
        raise refused_output(error) from error
    return is_complete


def _skipped_sentence(skipped: Iterable["SkippedCharacter"]) -> str:
    characters = list(dict.fromkeys(skip.character for skip in skipped))
    named = [f"{character!r} (U+{ord(character):04X})" for character in characters]
    more = len(named) - _NAMED_CHARACTERS
    listed = ", ".join(named[:_NAMED_CHARACTERS]) + (f" and {more:,} more" if more > 0 else "")
    return f"Left out of the seed text, as the model has never seen it: {listed}."


class TextOutput:
    """Standard output as a text that grows.

    In a pipe the bytes are exactly the text in UTF-8, whatever the locale says, handed on a few
    times a second. On a terminal every piece appears at once, made harmless.
    """

    def __init__(
        self,
        stream: BinaryIO,
        *,
        terminal_encoding: str | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Write to a stream.

        Args:
            stream: Takes the bytes.
            terminal_encoding: What the terminal understands; None if it is not a terminal.
            clock: Tells the time in seconds.
        """
        self._stream = stream
        self._encoding = terminal_encoding
        self._clock = clock
        self._flushed = clock()
        self._tail = ""

    def write(self, text: str) -> None:
        """Add to the text."""
        if self._encoding is not None:
            self._stream.write(self._shown(text).encode(self._encoding, "replace"))
            self._stream.flush()
            return
        self._stream.write(text.encode())
        now = self._clock()
        if now - self._flushed >= _FLUSH_INTERVAL:
            self._stream.flush()
            self._flushed = now

    def close(self) -> None:
        """Write out what is held back; on a terminal, leave the prompt a line of its own."""
        if self._encoding is not None and self._tail and not self._tail.endswith("\n"):
            self._stream.write(b"\n")
        self._stream.flush()

    def _shown(self, text: str) -> str:
        """The text as `safe_text` shows it after what came before.

        Its bound on the marks piled on one character would never be reached by text that comes
        character by character, so the end of what was shown is shown to it again.
        """
        shown = safe_text(self._tail + text)[len(self._tail) :]
        self._tail = (self._tail + shown)[-16:]
        return shown
