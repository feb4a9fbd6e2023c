"""The field that chooses the corpus, and the facts of the choice, which a thread surveys."""

import importlib
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Select, Static

from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import CharRNNError, ConfigError, CorpusError
from tui_charrnn.paths import Kind, find_kind
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.catalogue import CatalogueEntry, load_catalogue
from tui_charrnn.text.corpus import Reading, fitting_batch_size, split_point
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.text.decoding import UndecodableError
from tui_charrnn.text.inspection import (
    find_repetitions,
    jamo_sentence,
    records_sentence,
    survey_sources,
)
from tui_charrnn.text.sources import FoundSources, find_sources
from tui_charrnn.text.vocabulary import choose_vocabulary, grown_vocabulary
from tui_charrnn.translation import chosen_language, format_percent, tr
from tui_charrnn.tui.background import BackgroundTask, LatestTask
from tui_charrnn.tui.new_run.fields import FormRow, FormSelect, show_text
from tui_charrnn.tui.new_run.form_values import CorpusChoice, listed_corpus
from tui_charrnn.tui.new_run.path_fields import PAUSE, PathField, PathInput, clean_path
from tui_charrnn.viewing.formatting import counted, format_size

if TYPE_CHECKING:
    from tui_charrnn.text.inspection import CharacterCount, Survey
    from tui_charrnn.text.vocabulary import Vocabulary


MOST_FILES: Final = 10_000
"""Most files of a folder that are surveyed; a larger folder is read when training starts."""
_PRELOADED: Final = ("tui_charrnn.model.weights", "tui_charrnn.text.batches")
"""Modules that the form needs once a corpus is known; the thread imports them, as that is slow."""
_LARGE: Final = {"en": ((1e9, " billion"), (1e6, " million")), "ko": ((1e8, "억"), (1e4, "만"))}
"""Large numbers and their names, by language: Korean counts in powers of 10,000."""


@dataclass(frozen=True, slots=True)
class CorpusFacts:
    """The facts of a chosen corpus found so far."""

    choice: CorpusChoice
    survey: "Survey | None" = None
    postponed: str = ""
    """Why the corpus is not read before training starts, in a sentence."""
    characters: int | None = None
    """Expected length of a postponed corpus, if the catalogue has it."""
    problem: str = ""
    """Why the corpus cannot be used, in a sentence."""
    warnings: tuple[str, ...] = ()
    """Sentences about repeated text, which is searched last."""

    @property
    def is_known(self) -> bool:
        """Whether the whole corpus has been read."""
        return self.survey is not None and self.survey.is_whole


class _PostponedError(Exception):
    """The corpus is read when training starts: why, in a sentence, and its expected length."""


def survey_choice(
    choice: CorpusChoice, report: Callable[[CorpusFacts], object], task: BackgroundTask
) -> None:
    """Survey a corpus and call `report` with its facts: several times while it is read.

    Nothing is downloaded or generated; no pipe and no device is opened.
    """
    # deferred: NumPy, which the first frame does not wait for
    for name in _PRELOADED:
        importlib.import_module(name)
    reported_at = 0.0

    def report_part(survey: "Survey") -> None:
        nonlocal reported_at
        if time.monotonic() - reported_at >= 0.2:
            reported_at = time.monotonic()
            report(CorpusFacts(choice, survey))

    try:
        sources = _find_sources(choice, task)
        survey = survey_sources(
            sources, choice.reading, on_progress=report_part, check_cancelled=task.check
        )
        facts = CorpusFacts(choice, survey)
    except _PostponedError as reason:
        sentence, expected = reason.args
        facts = CorpusFacts(choice, postponed=sentence, characters=expected)
    except (CharRNNError, OSError, UnicodeError) as error:
        facts = CorpusFacts(choice, problem=problem_of(error))
    report(facts)


def repetitions_of(
    choice: CorpusChoice, validation_fraction: float, task: BackgroundTask
) -> tuple[str, ...]:
    """Describe repeated text of a corpus in sentences; takes 1 to 2 s for a large corpus."""
    try:
        corpus = read_corpus(choice.arguments, choice.reading, check_cancelled=task.check)
        sentences = find_repetitions(corpus, validation_fraction)
    except (CharRNNError, OSError, UnicodeError):  # the survey or the start shows the error
        return ()
    return tuple(sentences)


def _find_sources(choice: CorpusChoice, task: BackgroundTask) -> FoundSources:
    """Find the files of a choice that can be read now.

    Raises:
        CorpusError: If a source is neither a file nor a pipe.
        _PostponedError: If the corpus is not read before training starts.
    """
    checks = count(1)

    def check_cancelled() -> None:
        task.check()
        if next(checks) > MOST_FILES:
            sentence = tr(
                "There are more than {count:,} files: read when training starts.", count=MOST_FILES
            )
            raise _PostponedError(sentence, None)

    found = find_sources(
        choice.arguments, encoding=choice.reading.encoding, check_cancelled=check_cancelled
    )
    for source in found.sources:
        entry, kind = source.entry, None
        if entry is not None and not entry.is_here:
            expected = entry.characters or entry.approximate_bytes
            is_whole = len(found.sources) == 1
            raise _PostponedError(_format_fetching(entry), expected if is_whole else None)
        with suppress(OSError):  # reading it reports the error
            kind = find_kind(source.path) if source.path is not None else None
        if kind is Kind.PIPE:
            sentence = tr("This is a pipe: it is read once, when training starts.")
            raise _PostponedError(sentence, None)
        if kind not in {None, Kind.FILE}:
            read_corpus([source.address])  # raises the reason
    return found


def _format_fetching(entry: CatalogueEntry) -> str:
    size = format_size(entry.approximate_bytes)
    if entry.kind == "built":
        return tr(
            "Made on this machine when training starts, without a network: about {size}.",
            size=size,
        )
    host = urlsplit(entry.urls[0]).netloc
    return tr("Downloaded when training starts: about {size} from {host}.", size=size, host=host)


class FactLine(NamedTuple):
    """One line of facts on the form."""

    text: str
    is_warning: bool = False


_LISTED: Final = 20
"""Most characters that are listed."""


def fact_lines(facts: CorpusFacts, training: TrainingConfig) -> list[FactLine]:
    """Format size, characters, split and warnings, one line each."""
    survey = facts.survey
    if survey is None:
        return [FactLine(facts.postponed)] if facts.postponed else []
    if survey.is_part:
        return _lines_of_part(survey, training)
    if not survey.is_whole:
        return [FactLine(_progress_line(survey, training))]
    fraction = training.validation_fraction
    split = split_point(survey.characters, fraction)
    held_out = held_out_alone = ""
    if survey.records is not None:
        held_out = tr("{share}, drawn at random, held out", share=format_percent(fraction))
    elif survey.characters > 1:
        held_out = tr(
            "{split:,} to train on; the last {held_out:,} held out",
            split=split,
            held_out=survey.characters - split,
        )
    if survey.records is None and (found := survey.only_after(split)):
        held_out_alone = tr(
            "held out, missing from the training part: {characters}", characters=_listed(found)
        )
    lines = [
        FactLine(_size_line(survey, training)),
        FactLine(held_out),
        *_remarks(survey, training),
        FactLine(held_out_alone, is_warning=True),
        FactLine(_smaller_batch(survey, training, split), is_warning=True),
        *(FactLine(sentence, is_warning=True) for sentence in facts.warnings),
    ]
    return [line for line in lines if line.text]


def format_shortness(facts: CorpusFacts, training: TrainingConfig) -> str:
    """Return why a corpus is too short for the settings; empty if it is not, or not known yet."""
    survey = facts.survey
    if survey is None or not survey.is_whole:
        return ""
    if len(survey.counts) < 2:
        return tr("It has only one distinct character: there is nothing to learn in it.")
    if survey.records is not None and survey.records < 2:
        return tr("At least 2 records are needed, one to train on and one to hold out.")
    try:
        vocabulary_of(survey, training)
        _fitting_batch_size(survey, training)
    except (ConfigError, CorpusError) as error:
        return str(error)
    if survey.characters - split_point(survey.characters, training.validation_fraction) < 2:
        return tr("Too little is held out: at least 2 characters are needed to be scored.")
    return ""


def vocabulary_of(
    survey: "Survey", training: TrainingConfig, known: "Vocabulary | None" = None
) -> "Vocabulary":
    """Return the vocabulary of a model of the text; rare characters become one unknown symbol.

    With `known`, the vocabulary of a starting model, the new characters are added to it.

    Raises:
        ConfigError: If all characters are rare.
    """
    bounds: dict[str, Any] = {
        "min_count": training.min_count,
        "max_vocabulary": training.max_vocabulary,
    }
    if known is not None:
        return grown_vocabulary(known, survey.occurrences, **bounds)
    has_records = training.has_records
    return choose_vocabulary(survey.occurrences, has_records=has_records, **bounds)


def problem_of(error: Exception) -> str:
    """Return the message of an error as the form shows it, where the encoding is a field."""
    return error.in_form if isinstance(error, UndecodableError) else str(error)


def _progress_line(survey: "Survey", training: TrainingConfig) -> str:
    return tr(
        "Reading … {share} of {size}: {count:,} {units} so far, {distinct:,} different ones",
        share=format_percent(survey.consumed / survey.bytes_total),
        size=format_size(survey.bytes_total),
        count=survey.characters,
        units=tr(training.units),
        distinct=len(survey.counts),
    )


def _lines_of_part(survey: "Survey", training: TrainingConfig) -> list[FactLine]:
    """Format the facts of the first part of a large corpus."""
    characters = survey.expected_characters
    split = split_point(characters, training.validation_fraction)
    part = tr(
        "{size} of {encodings}, of which the first {read} were read: {distinct:,} different "
        "{units} there",
        size=format_size(survey.bytes_total),
        encodings=survey.report.encoding,
        read=format_size(survey.consumed),
        distinct=len(survey.counts),
        units=tr(training.units),
    )
    whole = tr(
        "about {count} {units}, {split} to train on; all are read when training starts",
        count=format_large_count(characters),
        units=tr(training.units),
        split=format_large_count(split),
    )
    lines = [FactLine(part), FactLine(whole), *_remarks(survey, training)]
    return [line for line in lines if line.text]


def format_large_count(count: int) -> str:
    """Format an estimated count in three digits, e.g. 980 million or 1.2 billion; 9.8억."""
    for size, name in _LARGE[chosen_language()]:
        if count >= size:
            return f"{float(f'{count / size:.3g}'):,g}{name}"
    return f"{count:,}"


def _folding(survey: "Survey", training: TrainingConfig) -> str:
    """Describe how many characters become the unknown symbol; empty if none does."""
    try:
        vocabulary = vocabulary_of(survey, training)
    except ConfigError:
        return ""  # `format_shortness` reports it
    if vocabulary.unknown_symbol is None:
        return ""
    return tr(
        "{folded:,} rare characters become one unknown symbol: {count:,} symbols",
        folded=len(survey.counts) - len(vocabulary) + 1,
        count=len(vocabulary),
    )


def _size_line(survey: "Survey", training: TrainingConfig) -> str:
    read = tr(
        "{size} of {encodings}",
        size=format_size(survey.report.bytes),
        encodings=survey.report.encoding,
    )
    files = survey.report.files
    if files != 1:
        read = tr("{read} in {files:,} files", read=read, files=files)
    counted = tr(
        "{count:,} {units}, {distinct:,} different",
        count=survey.characters,
        units=tr(training.units),
        distinct=len(survey.counts),
    )
    if survey.records is not None:
        parts = tr("{records:,} records", records=survey.records)
    else:
        parts = tr("{lines:,} line" if survey.lines == 1 else "{lines:,} lines", lines=survey.lines)
    return f"{read}: {counted}, {parts}"


def _remarks(survey: "Survey", training: TrainingConfig) -> list[FactLine]:
    """Describe what reading changed, or a setting would change; a line may be empty."""
    found, remarks = survey.report, []
    if found.skipped_files:
        remarks.append(tr("binary or empty files skipped: {count:,}", count=found.skipped_files))
    if found.bom:
        remarks.append(tr("byte order mark left out"))
    if found.crlf or found.cr:
        remarks.append(tr("line ends with CR: {count:,}", count=found.crlf + found.cr))
    if found.composed:
        remarks.append(tr("decomposed characters composed: {count:,}", count=found.composed))
    suspicious = ""
    if survey.suspicious:
        described = _format_suspicious(survey.suspicious)
        suspicious = tr("suspicious: {characters}", characters=described)
    return [
        FactLine(jamo_sentence(survey.occurrences, tr("the setting units jamo"))),
        FactLine(records_sentence(survey, tr("the setting records line"))),
        FactLine(_folding(survey, training)),
        FactLine("; ".join(remarks)),
        FactLine(suspicious, is_warning=True),
    ]


def _format_suspicious(suspicious: "Sequence[CharacterCount]") -> str:
    named = []
    for found in suspicious[:2]:
        times = tr("once") if found.count == 1 else tr("{count:,} times", count=found.count)
        named.append(f"{found.code} {times} ({found.suspicion})")
    others = len(suspicious) - len(named)
    return "; ".join([*named, *([tr("and {count:,} more", count=others)] if others else [])])


def _listed(characters: str) -> str:
    others = len(characters) - _LISTED
    more = f" {tr('and {count:,} more', count=others)}" if others > 0 else ""
    return safe_line(characters[:_LISTED]) + more


def _smaller_batch(survey: "Survey", training: TrainingConfig, split: int) -> str:
    try:
        fitting = _fitting_batch_size(survey, training)
    except CorpusError:
        return ""  # `format_shortness` reports it
    if fitting == training.batch_size or not split:
        return ""
    return tr(
        "short: {fitting:,} parallel streams instead of {wanted:,}",
        fitting=fitting,
        wanted=training.batch_size,
    )


def _fitting_batch_size(survey: "Survey", training: TrainingConfig) -> int:
    split = split_point(survey.characters, training.validation_fraction)
    return fitting_batch_size(split, training.batch_size, training.sequence_length)


def format_facts(lines: Sequence[FactLine]) -> Content:
    """Join lines; warnings get a mark and a color."""
    return Content("\n").join(
        Content.styled(f"! {safe_line(text)}", "$text-warning")
        if is_warning
        else Content(safe_line(text))
        for text, is_warning in lines
    )


OWN: Final = "own:"
KEPT: Final = "kept:"
"""Values of the list besides the names of the catalogue."""
ENCODINGS: Final = (
    "utf-8",
    "utf-16",
    "cp1252",
    "latin-1",
    "cp949",
    "euc-jp",
    "shift_jis",
    "gb18030",
    "big5",
    "koi8-r",
    "cp1251",
)


class CorpusField(Vertical):
    """Chooses a corpus, surveys it in a thread, and shows its facts."""

    DEFAULT_CSS = """
    CorpusField {
        height: auto;
        #corpus-facts { height: auto; margin-left: 11; color: $text-muted; }
    }
    """

    class Updated(Message):
        """The choice or its facts have changed."""

    def __init__(self) -> None:
        super().__init__()
        entries = load_catalogue().items()
        options = [(f"{name} · {tr(entry.title)}", name) for name, entry in entries]
        self._list_options = [(tr("a text of yours"), OWN), *options]
        self._last_listed = options[0][1]
        self._kept: CorpusChoice | None = None
        """A choice that is not one path, e.g. several files."""
        self._reading = Reading()
        """Options for reading the path, except the encoding; units and records are of any text."""
        self.facts = CorpusFacts(CorpusChoice(()))
        """The facts of the choice found so far."""
        self._survey = LatestTask("corpus-facts")
        self._searched: float | None = None
        """The validation fraction for which the choice was searched for repeated text."""
        self._search = LatestTask("corpus-repetitions")
        self._list = FormSelect(self._list_options, value=self._last_listed, id="catalogue")
        field = PathField(placeholder=tr("path of a text file or folder"), id="corpus")
        self.path = field.input
        self._encoding = FormSelect(_same(ENCODINGS), value=ENCODINGS[0], id="encoding")
        advice = tr("Enter or Space opens the list. A typed path takes precedence.")
        self._list_row = FormRow(tr("Text"), self._list, key="catalogue", advice=advice)
        advice = tr(
            "Tab or Right accepts the completion, Down selects the next, Esc closes the list. "
            "Folders, ~ and *.txt work; files can be dropped or pasted here."
        )
        self._path_row = FormRow(tr("or yours"), field, key="corpus", advice=advice)
        advice = tr("How the bytes of the file become characters.")
        self._encoding_row = FormRow(tr("Encoding"), self._encoding, key="encoding", advice=advice)
        self._shown_facts = Static("", id="corpus-facts", markup=False)

    def compose(self) -> ComposeResult:
        """Yield the list, the path, its encoding and the facts."""
        yield self._list_row
        yield self._path_row
        yield self._encoding_row
        yield self._shown_facts

    def on_unmount(self) -> None:
        """Cancel the threads."""
        self._survey.cancel()
        self._search.cancel()

    @property
    def choice(self) -> CorpusChoice:
        """The current choice."""
        shared, path = self._reading, clean_path(self.path.value)
        if self._list.chosen == OWN:
            reading = replace(shared, encoding=self._encoding.chosen)
            return CorpusChoice((path,) if path else (), reading=reading)
        chosen = listed_corpus(self._list.chosen)
        if self._list.chosen == KEPT and self._kept is not None:
            chosen = self._kept
        reading = replace(chosen.reading, units=shared.units, records=shared.records)
        return replace(chosen, reading=reading)

    def restore(self, choice: CorpusChoice) -> None:
        """Show a choice in the fields."""
        name = choice.catalogue_name
        if name is not None and any(name == value for _, value in self._list_options):
            self._list.show(name)
            self.path.show("")
        elif len(choice.arguments) == 1 and not choice.label:
            self._reading = choice.reading
            encodings = dict.fromkeys([*ENCODINGS, choice.reading.encoding])
            self._encoding.offer(_same(encodings), choice.reading.encoding)
            self._list.show(OWN)
            self.path.show(choice.arguments[0])
        elif choice.arguments:
            self._kept = choice
            label = choice.label or counted(len(choice.arguments), "text")
            self._list.offer([*self._list_options, (label, KEPT)], KEPT)
            self.path.show("")
        self.survey()

    def survey(self) -> None:
        """Survey the choice if it has changed."""
        is_own = self._list.chosen == OWN
        self._encoding_row.display = is_own
        choice, pause = self.choice, PAUSE if is_own else 0.0
        if choice == self.facts.choice:
            return
        self.facts, self._searched = CorpusFacts(choice), None
        self.post_message(self.Updated())
        self._survey.cancel()
        self._search.cancel()

        def survey(task: BackgroundTask) -> None:
            task.wait(pause)
            survey_choice(choice, partial(task.deliver, self.call_later, self._set_facts), task)

        if choice.arguments:
            self._survey.start(survey)

    def _set_facts(self, facts: CorpusFacts) -> None:
        self.facts = facts
        self.post_message(self.Updated())

    def _search_repetitions(self, validation_fraction: float) -> None:
        """Search for repeated text in a thread once the whole corpus is known."""
        facts = self.facts
        if not facts.is_known or self._searched == validation_fraction:
            return
        self._searched = validation_fraction

        def search(task: BackgroundTask) -> None:
            warnings = repetitions_of(facts.choice, validation_fraction, task)
            if warnings != facts.warnings:
                task.deliver(self.call_later, self._set_facts, replace(facts, warnings=warnings))

        self._search.start(search)

    def show(self, training: TrainingConfig, problem: str) -> None:
        """Show the facts of the choice, and a problem with the choice or its text."""
        reading = replace(self._reading, units=training.units, records=training.records)
        if reading != self._reading:
            self._reading = reading
            self.survey()
        self._search_repetitions(training.validation_fraction)
        lines = fact_lines(self.facts, training)
        show_text(self._shown_facts, format_facts(lines))
        self._shown_facts.display, is_own = bool(lines), self._list.chosen == OWN
        problem = problem or self.facts.problem or format_shortness(self.facts, training)
        problem = "" if self.path.is_partial else problem
        self._path_row.show_problem(problem if is_own else "")
        self._list_row.show_problem("" if is_own else problem)

    @on(Select.Changed, "#catalogue")
    def choose_listed(self, event: Select.Changed) -> None:
        """Use the selected text instead of a path, or move to the path field."""
        event.stop()
        if self._list.chosen == OWN:
            self.path.focus()
        else:
            self.path.show("")
            if self._list.chosen != KEPT:
                self._last_listed = self._list.chosen
        self.survey()

    @on(Input.Changed, "#corpus")
    def choose_path(self, event: Input.Changed) -> None:
        """Use the path instead of the list; if it is empty, use the list again."""
        event.stop()
        self._list.show(OWN if event.value.strip() else self._last_listed)
        self.survey()

    @on(Select.Changed, "#encoding")
    def choose_encoding(self, event: Select.Changed) -> None:
        """Survey the path with the selected encoding."""
        event.stop()
        self.survey()

    def on_path_input_dropped(self, event: PathInput.Dropped) -> None:
        """Use several dropped files as the corpus."""
        event.stop()
        self.restore(CorpusChoice(event.paths, counted(len(event.paths), "file")))


def _same(values: Iterable[str]) -> list[tuple[str, str]]:
    return [(value, value) for value in values]
