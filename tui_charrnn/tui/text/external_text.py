"""A text that a model reads instead of generating it: pasted, or from a file.

It lies on a tape as if every character had been chosen by hand, so it has all that a tape offers:
the x-ray, the way back, branches.
"""

from __future__ import annotations

import time
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tui_charrnn.errors import CorpusError
from tui_charrnn.generation.sampling import surprise
from tui_charrnn.generation.stream import unknown_in
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.source_reading import BytesFound, Reading, read_pieces
from tui_charrnn.translation import tr
from tui_charrnn.tui.text.model_loader import shown_label

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from tui_charrnn.generation.stream import UnknownCharacter
    from tui_charrnn.generation.tape import Tape
    from tui_charrnn.tui.text.model_loader import LoadedModel, Wait

LONGEST: Final = 100_000
"""Characters of a text that are read at most."""
_TOLD_EVERY: Final = 0.5
"""Seconds between two reports of progress."""


@dataclass(frozen=True, slots=True)
class ExternalText:
    """A text that is to be read, and the model that reads it."""

    loaded: LoadedModel
    numbers: tuple[int, ...]
    """The characters, by their numbers in the vocabulary."""
    unknown: tuple[UnknownCharacter, ...]
    """Those that the model does not know, by their position in the text."""
    name: str = ""
    """Of its file, safe to show; empty for one that was pasted."""
    is_cut: bool = False
    """Whether the text was longer than `LONGEST`."""

    @property
    def title(self) -> str:
        """What stands above it."""
        name = self.name or tr("A pasted text")
        return tr("{name}, read by the model:", name=name) + "\n"

    def read_onto(
        self,
        tape: Tape,
        stopping: threading.Event,
        on_character: Callable[[], object],
        tell: Callable[[str], object],
    ) -> str:
        """Have the model of a tape read the text, and the tape keep it.

        Args:
            tape: Without a character.
            stopping: Ends the reading.
            on_character: Called after every character.
            tell: Takes a sentence about the progress, now and then.

        Returns:
            What there is to say of it.

        Raises:
            ModelFileError: If the model's scores are not finite numbers.
        """
        unknown = self.loaded.model.vocabulary.unknown_index
        due, bits, read, scored = time.monotonic() + _TOLD_EVERY, 0.0, 0, 0
        for index in self.numbers:
            tape.take(index)
            on_character()
            read += 1
            if index != unknown:
                bits += surprise(tape.stream.logits, index)
                scored += 1
            if stopping.is_set():
                break
            if time.monotonic() > due:
                due += _TOLD_EVERY
                whole = len(self.numbers)
                tell(tr("Reading: {count:,} of {all:,} characters …", count=read, all=whole))
        return self._words(read, bits / max(scored, 1))

    def _words(self, read: int, mean: float) -> str:
        whole = len(self.numbers)
        count = f"{read:,}" if read == whole else tr("{count:,} of {all:,}", count=read, all=whole)
        words = tr(
            "Read {count} jamo, {bits:.2f} bits per jamo."
            if self.loaded.model.units == "jamo"
            else "Read {count} characters, {bits:.2f} bits per character.",
            count=count,
            bits=mean,
        )
        cut = tr("Of a text, the first {count:,} are read; this one is longer.", count=LONGEST)
        return f"{words} {cut}" if self.is_cut else words


def prepared(given: str | Path, load: Callable[[Wait], LoadedModel], wait: Wait) -> ExternalText:
    """A text and the model that reads it; for a thread that may wait.

    Args:
        given: The text, or the file that it is in.
        load: Loads the model.
        wait: Waits for a number of seconds and says whether to give up.

    Raises:
        CharRNNError: If it cannot be read, or there is no such model.
    """
    text = _text_of(given) if isinstance(given, Path) else composed(given)
    name = safe_line(given.name) if isinstance(given, Path) else ""
    if not text:
        empty = tr("There is no text to read: it is empty.")
        if name:
            empty = tr("There is no text to read in {name}: it is empty.", name=name)
        raise CorpusError(empty)
    loaded = load(wait)
    spelled = loaded.model.vocabulary.spell(text[:LONGEST])
    if not spelled.is_known.any():
        raise CorpusError(
            tr(
                "The {model} knows none of the {count:,} characters of this text; give it one in "
                "the script that it was trained on.",
                model=shown_label(loaded.label),
                count=len(text),
            )
        )
    return ExternalText(
        loaded,
        tuple(spelled.indices.tolist()),
        unknown_in(text, spelled),
        name,
        is_cut=len(text) > LONGEST,
    )


def composed(text: str) -> str:
    """A pasted text as a file is read: line feeds alone, composed (Unicode NFC)."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))


def end_of_file(path: Path, longest: int) -> tuple[str, int]:
    """The last characters of a file's text, and how many there are before them.

    Args:
        path: The file.
        longest: Characters that are wanted at most.

    Raises:
        CorpusError: If it is not there, or no text.
    """
    end, count = "", 0
    for piece in _pieces_of(path):
        end, count = (end + piece)[-longest:], count + len(piece)
    return end, count - len(end)


def _text_of(path: Path) -> str:
    """The beginning of a file's text, a little more than is read; errors as of `end_of_file`."""
    parts: list[str] = []
    length = 0
    for piece in _pieces_of(path):
        parts.append(piece)
        length += len(piece)
        if length > LONGEST:
            break
    return "".join(parts)


def _pieces_of(path: Path) -> Iterator[str]:
    try:
        yield from read_pieces(path, Reading(), BytesFound())
    except OSError as error:
        raise CorpusError.unreadable(safe_line(str(path)), error) from error
    except UnicodeError as error:
        raise CorpusError(
            tr(
                "{name} is no text in UTF-8; convert it, or paste the text.",
                name=safe_line(str(path)),
            )
        ) from error
