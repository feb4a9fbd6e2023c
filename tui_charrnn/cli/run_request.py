"""The run that `train` requests: finds an existing one or creates it, and prints a summary."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tui_charrnn import lazy
from tui_charrnn.cli.output import card_lines, print_message
from tui_charrnn.config import ModelConfig, TrainingConfig, format_length
from tui_charrnn.errors import ConfigError, CorpusError, RunLockedError
from tui_charrnn.model.shapes import parameter_count, tensor_shapes
from tui_charrnn.runs.catalogue import holds_run, summarize_run
from tui_charrnn.runs.layout import RunDirectory, format_command
from tui_charrnn.runs.lifecycle import NameTakenError, refuse_name
from tui_charrnn.runs.liveness import AT_WORK, judge_at_a_glance
from tui_charrnn.runs.reader import read_description
from tui_charrnn.text.corpus import Corpus, Reading, fitting_batch_size
from tui_charrnn.text.sources import STANDARD_INPUT, find_sources
from tui_charrnn.viewing.formatting import format_shape
from tui_charrnn.viewing.run_formatting import format_dropout, format_origin

if TYPE_CHECKING:
    from tui_charrnn.generation.training_corpus import StartingModel
    from tui_charrnn.text.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The name, corpus and settings of a run to find or create."""

    folder: Path
    name: str | None
    may_exist: bool
    """Whether an existing run of that name is continued."""
    corpus: Sequence[str]
    """The text as the command line names it."""
    reading: Reading
    preset: str
    configurations: tuple[ModelConfig, TrainingConfig]
    given: Mapping[str, str | None] = field(default_factory=dict)
    """The setting options of the command line as texts; None for those not given."""
    seeds: Sequence[str] | None = None
    """Seed texts to sample during training; None uses the first line of the corpus."""
    quiet: bool = False
    start_from: str | None = None
    """The starting model as the command line names it."""
    starting: "StartingModel | None" = None
    """The loaded starting model; None if the run already exists."""

    @property
    def existing(self) -> RunDirectory | None:
        """The run, if it exists and may be continued."""
        if not self.may_exist or self.name is None:
            return None
        existing = RunDirectory(self.folder / self.name)
        return existing if holds_run(existing) else None

    def find(self) -> RunDirectory | None:
        """Return `existing`, and print which of its settings and text differ from the request."""
        if (existing := self.existing) is None:
            return None
        if not self.quiet:
            self._report_kept_settings(existing)
        self._report_other_text(existing)  # even if quiet: the request named another text
        return existing

    def find_or_make(self, text: Corpus) -> RunDirectory:
        """Return the existing run, or create one for a text and print its summary."""
        if (found := self.find()) is not None:
            return found
        try:
            run = lazy.make_run(
                self.folder,
                self.name,
                self.preset,
                self.configurations,
                text,
                self.seeds,
                self.starting,
            )
        except NameTakenError:
            # another process has just created it: the trainer that starts second exits with 5
            if (found := self.find()) is not None:
                return found
            self.refuse_name()
            raise
        if not self.quiet:
            print_message(*card_lines(summary_rows(run, text), width=11))
        return run

    def refuse_name(self) -> None:
        """Check that a new run can have the requested name, before the text is read.

        Raises:
            RunLockedError: If a trainer is training the run of that name or starting to.
            ConfigError: If the name is taken otherwise, or is not valid.
        """
        if self.name is None:
            return
        try:
            refuse_name(self.folder, self.name)
        except NameTakenError as error:
            run = RunDirectory(self.folder / self.name)
            found = summarize_run(run)
            age = max(0.0, time.time() - found.modified)
            if found.status is not None and judge_at_a_glance(found.status, age) in AT_WORK:
                raise RunLockedError(
                    f"The run {run.name!r} already exists in {self.folder} and is training; watch "
                    f"it with: {format_command('attach', run)}, or choose another name."
                ) from error
            if not holds_run(run):
                raise
            again = format_command("resume", run)
            raise ConfigError(f"{error} To continue that run: {again}") from error

    def _report_other_text(self, run: RunDirectory) -> None:
        """Print a message if the text of the run differs from the requested one."""
        own = read_description(run).corpus
        reason = ""
        if STANDARD_INPUT not in self.corpus:
            try:
                found = find_sources(self.corpus, encoding=self.reading.encoding).sources
            except CorpusError as error:
                reason = f" {error}"
            else:
                if tuple(source.address for source in found) == own.sources:
                    return  # the trainer checks whether its content has changed
        sources = ", ".join(own.sources[:3]) + (", ..." if len(own.sources) > 3 else "")
        print_message(
            f"The run {run.name} continues with its own text, {own.name} "
            f"({sources or 'a copy in the run'}); the text of this command line is "
            f"ignored.{reason} For another text, choose another --name."
        )

    def _report_kept_settings(self, run: RunDirectory) -> None:
        """Print which of the given settings differ from those of the existing run."""
        description, (model, training) = read_description(run), self.configurations
        existing = {**description.model.to_mapping(), **description.training.to_mapping()}
        requested = {**model.to_mapping(), **training.to_mapping()}
        names = [name for name, text in self.given.items() if text is not None]
        bounds = {**ModelConfig.bounds(), **TrainingConfig.bounds()}
        kept = [
            f"{name} {bounds[name].format(existing[name])}"
            for name in names
            if name != "max_time" and existing[name] != requested[name]
        ]
        if kept:
            print_message(
                f"The run {run.name} exists and keeps its settings: {', '.join(kept)}. For other "
                "settings, choose another --name."
            )


def summary_rows(run: RunDirectory, corpus: Corpus) -> Iterator[tuple[str, str]]:
    """Yield a summary of a run, its corpus, model and training: labels and values."""
    description = read_description(run)
    model, training = description.model, description.training
    vocabulary = lazy.Vocabulary(
        description.vocabulary, description.unknown_symbol, description.end_symbol
    )
    size = len(vocabulary)
    folded = _format_folding(vocabulary, corpus.numbered.occurrences())
    length = f"{corpus.name}: {len(corpus):,} {corpus.reading.units}"
    network = f"embedding {model.embedding_size}, {format_shape(model)}, softmax {size}"
    batch = _format_batch(training, corpus.split(training.validation_fraction))
    rate = f"{training.optimizer} at {training.learning_rate:g}, {format_dropout(training)}"
    yield "Run", f"{run.name}  in {run.path}"
    yield "Corpus", f"{length}, vocabulary {size:,}{folded}; {_format_split(corpus, training)}"
    for remark in (_format_reading(corpus), _vocabulary_advice(training, size)):
        if remark:
            yield "", remark
    if origin := format_origin(description):
        yield "From", origin
    yield "Model", f"{network}: {parameter_count(model, size):,} parameters"
    shapes = tensor_shapes(model, size)
    width = max(map(len, shapes))
    for name, shape in shapes.items():
        yield "", f"{name:<{width}}  {' x '.join(map(str, shape)):>13}  {math.prod(shape):>12,}"
    yield "Training", f"{batch}, {rate}, {_format_length(training)}"


def _format_split(corpus: Corpus, training: TrainingConfig) -> str:
    """Format the held-out part of a corpus and, if any, its records and repeated records."""
    fraction = training.validation_fraction
    if not training.has_records:
        return f"the last {len(corpus) - corpus.split(fraction):,} are held out"
    _, trained, held_out = corpus.numbered.split_records(fraction)
    repeated = corpus.numbered.repeated_records()
    again = f", {repeated:,} of them repeated" if repeated else ""
    return f"{trained + held_out:,} records{again}; {held_out:,}, drawn at random, are held out"


def _vocabulary_advice(training: TrainingConfig, size: int) -> str:
    """Return advice if the vocabulary is so large that it slows every step down; may be empty."""
    if size <= 20_000 or training.max_vocabulary is not None:
        return ""
    return (
        "a large vocabulary makes every step slow: --max-vocabulary 8000 merges the rarest "
        "characters"
    )


def _format_folding(vocabulary: "Vocabulary", occurrences: Mapping[str, int]) -> str:
    """Format how many characters the unknown symbol replaces, and their share of the text."""
    if vocabulary.unknown_symbol is None:
        return ""
    folded = [
        count
        for character, count in occurrences.items()
        if character not in vocabulary or character == vocabulary.unknown_symbol
    ]
    share = sum(folded) / sum(occurrences.values())
    return f" ({len(folded):,} rare ones as one symbol, {share:.2g} of the text)"


def _format_reading(corpus: Corpus) -> str:
    """Format what reading has changed or skipped; empty if nothing."""
    report, reading = corpus.report, corpus.reading
    line_ends = report.crlf + report.cr
    changes = [
        (f"decoded from {report.encoding}", report.encoding != "utf-8"),
        ("byte order mark left out", report.bom),
        (f"{line_ends:,} CR LF or CR turned into LF", reading.unify_newlines and line_ends > 0),
        (
            f"{report.composed:,} characters composed (Unicode NFC)",
            reading.compose and report.composed > 0,
        ),
        (f"{report.skipped_files:,} binary or empty files skipped", report.skipped_files > 0),
    ]
    return "; ".join(change for change, applies in changes if applies)


def _format_batch(training: TrainingConfig, training_characters: int) -> str:
    requested, length = training.batch_size, training.sequence_length
    fitting = fitting_batch_size(training_characters, requested, length)
    remark = f" (not {requested}: the text is small)" if fitting < requested else ""
    if training.auto_batch_size:
        remark += " or more, measured at the start"
    return f"batch {fitting} x {length} characters{remark}"


def _format_length(training: TrainingConfig) -> str:
    """Format the length of a training with all limits that may end it earlier."""
    parts = [("for " if training.train_time is not None else "") + format_length(training)]
    if training.max_epochs is not None:
        least = training.least_steps
        more = f" (or {least:,} steps, if that is more)" if least is not None else ""
        parts.append(f"{training.max_epochs:g} epochs{more} at most")
    if training.stop_early is not None:
        count = training.stop_early
        times = f"{count:,} validations" if count > 1 else "a validation"
        parts.append(f"until {times} without a lower loss")
    return ", ".join(parts)
