"""A text of the history by its number, and the model that generated it."""

from pathlib import Path
from typing import Final

from tui_charrnn.errors import HistoryError, ModelFileError
from tui_charrnn.history.generation import Entry, file_sha256, hindrance_of
from tui_charrnn.history.store import History
from tui_charrnn.invocation import command

_SHOWN: Final = 12
"""Digits of a hash that are enough to tell two apart."""


def find_entry(history: History, number: int) -> Entry:
    """The text of a number.

    Raises:
        HistoryError: If there is none, or the history cannot be read.
    """
    entry = history.get(number)
    if entry is None:
        raise HistoryError(
            f"There is no text {number} in the history. {command('history')} lists those that "
            "there are."
        )
    return entry


def find_same_model(
    entry: Entry, *, may_differ: bool = False, kept: str = "", anyway: str = ""
) -> Path:
    """The file of the model that said a text.

    Args:
        entry: The text.
        may_differ: Whether a file will do that has changed since.
        kept: A sentence on where the text can be seen; goes behind every refusal.
        anyway: A sentence on how to let a changed model speak; goes behind that refusal.

    Raises:
        HistoryError: If the text cannot be had again, whatever became of the file.
        ModelFileError: If the file is gone, or has changed since.
    """
    model = entry.generation.model
    hindrance = hindrance_of(entry.generation)
    if model.file is None or (hindrance and not may_differ):
        sentence = f"Text {entry.number} cannot be generated again: {hindrance}."
        raise HistoryError(_joined(sentence, kept))
    path = Path(model.file)
    try:
        found = file_sha256(path)
    except FileNotFoundError:
        gone = f"The model of text {entry.number} is gone: there is no file {path} any more."
        raise ModelFileError(_joined(gone, kept)) from None
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}.") from error
    if found != model.sha256 and not may_differ:
        changed = (
            f"The model of text {entry.number} has changed: the SHA-256 of {path} was "
            f"{(model.sha256 or '')[:_SHOWN]}... and is {found[:_SHOWN]}... now, so it would say "
            "something else."
        )
        raise ModelFileError(_joined(changed, kept, anyway))
    return path


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))
