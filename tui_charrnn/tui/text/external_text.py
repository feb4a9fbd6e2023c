"""Texts and tapes from outside: reads a pasted text, a text file or a tape file for a model."""

import json
import os
import time
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Static, TextArea

from tui_charrnn.errors import CharRNNError, CorpusError, DataError
from tui_charrnn.generation.sampling import surprise
from tui_charrnn.generation.tape import Tape
from tui_charrnn.generation.tape_file import fingerprint, open_tape
from tui_charrnn.paths import Kind, find_file, find_kind, open_file
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.decoding import read_file
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.dialogs import LookupDialog, MessageLine
from tui_charrnn.tui.messages import NoteWritten, PostNote
from tui_charrnn.tui.session import GenerationSettings
from tui_charrnn.tui.text.model_loader import LoadedModel, Wait
from tui_charrnn.tui.text.seed_input import SeedInput
from tui_charrnn.tui.text.tape_start import ExternalText, Opening, start_tape

LONGEST: Final = 100_000
"""Most characters of a text that are read."""
_PROGRESS_INTERVAL: Final = 0.5
"""Seconds between two progress reports."""
_LONGEST_PATH: Final = 4096
"""Most characters of a line that is tried as a path."""
_PATHS: Final = ("/", "~/", "./", "../")
"""Prefixes of a line that is certainly meant as a path."""
_LONGEST_TAPE: Final = 1 << 29
"""Most bytes of a tape file; a million characters take about 25 million."""


def start_reading(
    given: str | Path,
    load: Callable[[Wait], LoadedModel],
    settings: GenerationSettings,
    task: BackgroundTask,
) -> Opening:
    """Return an opening that has a given text, or text file, to read; else like `start_tape`.

    Raises:
        CharRNNError: If the text cannot be read or the model cannot be loaded.
    """
    text = _text_of(given) if isinstance(given, Path) else normalize(given)
    name = safe_line(given.name) if isinstance(given, Path) else ""
    if not text:
        empty = tr("There is no text to read: it is empty.")
        if name:
            empty = tr("There is no text to read in {name}: it is empty.", name=name)
        raise CorpusError(empty)
    opening = start_tape(load, "", settings, task)
    loaded = opening.loaded
    spelled = loaded.model.vocabulary.spell(text[:LONGEST])
    if not spelled.is_known.any():
        raise CorpusError(
            "The {model} knows none of the {count:,} characters of this text; give it one in "
            "the script that it was trained on.",
            model=loaded.label.translated,
            count=len(text),
        )
    external = ExternalText(tuple(spelled.indices.tolist()), name, is_cut=len(text) > LONGEST)
    return opening._replace(external=external, unknown=spelled.unknown_in(text))


def read_external(
    external: ExternalText,
    tape: Tape,
    should_stop: Callable[[], bool],
    on_character: Callable[[], object],
    post: PostNote,
) -> str:
    """Feed the text to the model of an empty tape, and store it on the tape.

    `on_character` is called after every character, then `should_stop`, which may end the reading;
    `post` is called with a progress note every half second.

    Returns:
        A sentence with the number of characters and the mean bits per character.

    Raises:
        ModelFileError: If the model's logits are not finite.
    """
    model = tape.stream.model
    unknown = model.vocabulary.unknown_index
    due, bits, read, scored = time.monotonic() + _PROGRESS_INTERVAL, 0.0, 0, 0
    for index in external.numbers:
        tape.take(index)
        on_character()
        read += 1
        if index != unknown:
            bits += surprise(tape.stream.logits, index)
            scored += 1
        if should_stop():
            break
        if time.monotonic() > due:
            due += _PROGRESS_INTERVAL
            whole = len(external.numbers)
            words = tr("Reading: {count:,} of {all:,} characters …", count=read, all=whole)
            post(NoteWritten(words, lasts=True))
    return _format_summary(external, read, bits / max(scored, 1), is_jamo=model.units == "jamo")


def _format_summary(external: ExternalText, read: int, mean: float, *, is_jamo: bool) -> str:
    whole = len(external.numbers)
    count = f"{read:,}" if read == whole else tr("{count:,} of {all:,}", count=read, all=whole)
    words = tr(
        "Read {count} jamo, {bits:.2f} bits per jamo."
        if is_jamo
        else "Read {count} characters, {bits:.2f} bits per character.",
        count=count,
        bits=mean,
    )
    cut = tr("Of a text, the first {count:,} are read; this one is longer.", count=LONGEST)
    return f"{words} {cut}" if external.is_cut else words


def normalize(text: str) -> str:
    """Normalize a pasted text like a file: line feeds only, Unicode NFC."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))


def _text_of(path: Path) -> str:
    """Return just over `LONGEST` characters of a text file; raises like `read_file`."""
    text = ""
    for piece in read_file(path):
        text += piece
        if len(text) > LONGEST:
            break
    return text


def load_recording(
    path: Path,
    load: Callable[[str | None, Wait], LoadedModel],
    _: GenerationSettings,
    task: BackgroundTask,
) -> Opening:
    """Load a tape file with the model that generated it; a tape has its own settings.

    `load` loads a model by the path of its file; None loads the default model.

    Raises:
        OSError: If the file cannot be read.
        CharRNNError: If it is not a tape, or its model is missing or was replaced.
    """
    document = _read_tape(path)
    named = document.get("model_file")
    for model in [named, None] if isinstance(named, str) else [None]:
        try:
            loaded = load(model, task.is_cancelled_after)
        except CharRNNError:
            continue
        if fingerprint(loaded.model) == document["model"]:
            tape = open_tape(loaded.model, document)
            loaded = loaded._replace(model=tape.stream.model)
            return Opening(loaded, tape, tape.seed_text, {}, is_recorded=True)
    missing = tr("The model of this tape was deleted or replaced.")
    if isinstance(named, str):
        missing = tr(
            "The model of this tape, {model}, was deleted or replaced.",
            model=safe_line(named),
        )
    advice = tr(
        "Open the app with it (--model), then the tape. Received: {path}", path=safe_line(str(path))
    )
    raise DataError(f"{missing} {advice}")


def _read_tape(path: Path) -> Mapping[str, Any]:
    no_tape = tr("This is not a tape: {path}", path=safe_line(str(path)))
    if find_kind(path) not in {None, Kind.FILE}:
        raise DataError(no_tape)
    try:
        with open_file(path) as file:
            if os.fstat(file.fileno()).st_size > _LONGEST_TAPE:
                raise DataError(no_tape)
            document = json.loads(file.read())
    except (ValueError, RecursionError) as error:
        raise DataError(no_tape) from error
    if not isinstance(document, Mapping) or not isinstance(document.get("model"), str):
        raise DataError(no_tape)
    return document


class ExternalTextScreen(LookupDialog["str | Path"]):
    """Asks for a text or the path of a text file; returns None after Esc."""

    DEFAULT_CSS = """
    ExternalTextScreen {
        & #given {
            padding: 0 1;
            width: 76;
            height: auto;
        }
        & Static { height: auto; }
        & SeedInput {
            height: 10;
            max-height: 10;
            border: none;
            background: $surface;
            padding: 0;
        }
    }
    """

    field = query_one(SeedInput)
    words = query_one(MessageLine)

    def compose(self) -> ComposeResult:
        """Yield the question, the field, and a line that shows what will be read."""
        with Vertical(id="given", classes="box") as box:
            box.border_title = Content(tr("X-ray a text"))
            box.border_subtitle = Content(tr("Enter reads it · Esc cancels"))
            yield Static(
                tr(
                    "Paste a text, or give the path of its file. Colors show how the model "
                    "predicts each character; at most {count:,} are read.",
                    count=LONGEST,
                ),
                markup=False,
            )
            yield SeedInput(
                placeholder=tr("a text, or a path"), longest=LONGEST + 1, keeps_end=False
            )
            yield MessageLine(id="given-words")

    def on_mount(self) -> None:
        """Focus the field."""
        self.field.focus()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Look up what was typed; text that cannot be a path needs no lookup."""
        event.stop()
        text = self.field.text
        line = text.strip()
        if line and len(line) <= _LONGEST_PATH and len(line.splitlines()) == 1:
            self.look_up(text)
        else:
            found = text if text.strip() else None
            self.settle(found)
            self.show_found(found)

    def find(self, typed: str) -> str | Path:
        """Return the path of the file that a line names, else the line itself.

        Raises:
            CharRNNError: If the line starts like a path and there is no such file.
        """
        try:
            return find_file(typed.strip(), tr("The text"))
        except CharRNNError:
            if typed.startswith(_PATHS):
                raise
            return typed

    def show_found(self, found: str | Path | CharRNNError | None) -> None:
        """Show what will be read, or the error."""
        if isinstance(found, CharRNNError):
            as_text = tr("With a leading space, it is read as text.")
            self.words.show(f"{found} {as_text}", is_problem=True)
        else:
            self.words.show(_describe(found))

    def on_seed_input_submitted(self, event: SeedInput.Submitted) -> None:
        """Return the text or file as soon as its lookup has succeeded."""
        event.stop()
        self.submit()


def _describe(found: str | Path | None) -> str:
    if isinstance(found, Path):
        return tr("The file {name} will be read.", name=safe_line(found.name))
    if not found:
        return ""
    if len(found) > LONGEST:
        return tr("The first {count:,} characters will be read.", count=LONGEST)
    return tr("{count:,} characters will be read.", count=len(found))


def find_corpus(typed: str) -> str:
    """Return the full path of a typed path; an empty line is returned as it is.

    Raises:
        CharRNNError: If there is no such file.
    """
    return str(find_file(typed, tr("The text"))) if typed else ""
