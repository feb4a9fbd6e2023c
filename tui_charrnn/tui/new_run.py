"""From what was typed into the training form to a run that trains."""

import contextlib
import dataclasses
import re
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.durations import format_duration, parse_duration
from tui_charrnn.errors import ConfigError, CorpusError, StorageError
from tui_charrnn.presets import find_preset
from tui_charrnn.runs.creation import create_run
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.storage import Storage
from tui_charrnn.text.corpus import Corpus, read_corpus, split_point
from tui_charrnn.text.progress import Progress

_COUNT: Final = re.compile(r"(\d+(?:[.,]\d+)*)\s*(epochs?|steps?)", re.IGNORECASE)

Launch = Callable[[RunDirectory], "subprocess.Popen[bytes]"]


@dataclass(frozen=True, slots=True)
class NewRun:
    """What was typed into the form, checked as far as it can be without reading the corpus."""

    corpus: str
    """As `read_corpus` takes it: a path, a glob, or `catalogue:NAME`."""
    preset: str
    training: TrainingConfig
    name: str | None


class FieldError(ConfigError):
    """A field of the form holds what it must not."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class WithdrawnError(Exception):
    """The user no longer wants the run that is being made."""


class Permission:
    """Whether a run may be made: the user can withdraw it until its trainer is started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_used = False
        self._is_withdrawn = False

    def withdraw(self) -> bool:
        """Take it back; False if it is too late."""
        with self._lock:
            self._is_withdrawn = not self._is_used
            return self._is_withdrawn

    def check(self) -> None:
        """Go on only while it lasts.

        Raises:
            WithdrawnError: If it was taken back.
        """
        if self._is_withdrawn:
            raise WithdrawnError

    def use(self) -> None:
        """Make it final: it can no longer be taken back.

        Raises:
            WithdrawnError: If it was taken back before.
        """
        with self._lock:
            self.check()
            self._is_used = True


def check_form(*, corpus: str, preset: str, length: str, name: str) -> NewRun:
    """Turn what was typed into a request.

    Raises:
        FieldError: If a field cannot be used; it names the field.
    """
    if not corpus.strip():
        raise FieldError("corpus", "Choose a text from the list, or name a file of yours.")
    cleaned = name.strip()
    if "/" in cleaned or "\0" in cleaned or cleaned in {".", ".."}:
        raise FieldError("name", f"A name is one plain word, not a path. Received: {cleaned!r}")
    try:
        training = with_length(find_preset(preset).training, length)
    except ConfigError as error:
        raise FieldError("length", str(error)) from error
    return NewRun(corpus=corpus.strip(), preset=preset, training=training, name=cleaned or None)


def with_length(training: TrainingConfig, length: str) -> TrainingConfig:
    """The settings with another length: `10 epochs`, `2000 steps`, `5m`; empty keeps theirs.

    Raises:
        ConfigError: If it is none of these.
    """
    typed = length.strip()
    if not typed:
        return training
    if counted := _COUNT.fullmatch(typed):
        amount, unit = counted[1].replace(",", ""), counted[2].lower().rstrip("s")
        if amount.count(".") > 1 or (unit == "step" and "." in amount):
            raise ConfigError(f"Steps are a whole number. Received: {typed!r}")
        return dataclasses.replace(
            training,
            epochs=float(amount) if unit == "epoch" else None,
            steps=int(amount) if unit == "step" else None,
            train_time=None,
        )
    if typed.isdigit():
        raise ConfigError(f"Say what the number counts: {typed} epochs, {typed} steps, {typed}m.")
    try:
        seconds = parse_duration(typed)
    except ConfigError as error:
        raise ConfigError(
            f"How long is a time like 90s, 5m or 1h30m, or 10 epochs, or 2000 steps. "
            f"Received: {typed!r}"
        ) from error
    return dataclasses.replace(training, epochs=None, steps=None, train_time=seconds)


def length_words(training: TrainingConfig) -> str:
    """How long the settings train, as it would be typed."""
    if training.epochs is not None:
        return f"{training.epochs:g} epochs"
    if training.steps is not None:
        return f"{training.steps:,} steps"
    return format_duration(training.train_time or 0.0)


def make_run(
    folder: Path,
    name: str | None,
    preset: str,
    configurations: tuple[ModelConfig, TrainingConfig],
    corpus: Corpus,
) -> RunDirectory:
    """Create a run directory, once it is certain that the run can be trained.

    Raises:
        CorpusError: If the corpus is too short, or one character only.
        ConfigError: If the name is taken or cannot be one.
        StorageError: If the disk refuses.
    """
    # deferred: NumPy, which the first frame does not wait for
    from tui_charrnn.model.weights import parameter_count  # noqa: PLC0415 - as said
    from tui_charrnn.text.batches import fitting_batch_size  # noqa: PLC0415 - as said
    from tui_charrnn.text.vocabulary import Vocabulary  # noqa: PLC0415 - as said

    model, training = configurations
    vocabulary = Vocabulary.from_text(corpus.text)
    if len(vocabulary) < 2:
        raise CorpusError(
            f"{corpus.name} holds one character again and again: there is nothing to learn in it."
        )
    split = split_point(len(corpus.text), training.validation_fraction)
    fitting_batch_size(split, training.batch_size, training.sequence_length)  # refuses a short text
    return create_run(
        folder,
        name=name,
        preset=preset,
        model=model,
        training=training,
        corpus=corpus,
        vocabulary=vocabulary,
        parameter_count=parameter_count(model, len(vocabulary)),
    )


def start_run(
    new: NewRun, runs_folder: Path, launch: Launch, progress: Progress, permission: Permission
) -> tuple[RunDirectory, "subprocess.Popen[bytes]"]:
    """Read the corpus, make the run directory and start its trainer.

    Takes a while: call it in a thread. Without a trainer no run is left behind.

    Raises:
        CharRNNError: If the corpus cannot be read or is too short, the name is taken, or the disk
            refuses.
        WithdrawnError: If the user gave up meanwhile.
    """
    corpus = read_corpus([new.corpus], progress=progress)
    permission.check()
    configurations = find_preset(new.preset).model, new.training
    run = make_run(runs_folder, new.name, new.preset, configurations, corpus)
    try:
        permission.use()
        return run, launch(run)
    except (WithdrawnError, StorageError):
        with contextlib.suppress(StorageError):
            Storage().remove_tree(run.path)  # made a moment ago, and no trainer has seen it
        raise


def model_words(model: ModelConfig) -> str:
    """A network in a few words, its size for a text of a hundred different characters."""
    # deferred: NumPy, which the first frame does not wait for
    from tui_charrnn.model.weights import parameter_count  # noqa: PLC0415 - as said

    millions = parameter_count(model, 100) / 1e6
    return f"{model.layer_count} x {model.cell} {model.hidden_size}, {millions:.2g} M parameters"
