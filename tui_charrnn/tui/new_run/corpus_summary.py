"""What is known of a corpus, in words. Foreign characters are made safe here."""

from typing import TYPE_CHECKING, Final

from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import ConfigError, CorpusError
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.corpus import split_point
from tui_charrnn.tui.new_run.corpus_facts import CorpusFacts
from tui_charrnn.viewing.formatting import format_size

if TYPE_CHECKING:  # brings NumPy
    from tui_charrnn.text.inspection import CharacterCount
    from tui_charrnn.text.survey import Survey
    from tui_charrnn.text.vocabulary import Vocabulary

_NAMED: Final = 2
"""Suspicious characters that are named one by one."""
_LISTED: Final = 20
"""Characters that are listed at most."""


def fact_lines(facts: CorpusFacts, training: TrainingConfig) -> list[str]:
    """Size, characters, split and what is strange, one line each.

    Args:
        facts: What is known by now.
        training: Says how much is held out, and how long a batch is.
    """
    survey = facts.survey
    if survey is None:
        return [safe_line(facts.postponed)] if facts.postponed else []
    if survey.is_part:
        return _lines_of_part(survey, training)
    if not survey.is_whole:
        return [_progress_line(survey)]
    lines = [_size_line(survey)]
    split = split_point(survey.characters, training.validation_fraction)
    if survey.characters > 1:
        held_out = survey.characters - split
        lines.append(f"{split:,} to train on; the last {held_out:,} held out")
    return [
        *lines,
        *_folding(survey, training),
        *_remarks(survey),
        *_unheard(survey, split),
        *_smaller_batch(survey, training, split),
    ]


def shortness(facts: CorpusFacts, training: TrainingConfig) -> str:
    """Why a corpus is too short for the settings, in a sentence; empty if it is not, or unknown."""
    survey = facts.survey
    if survey is None or not survey.is_whole:
        return ""
    if survey.vocabulary_size < 2:
        return "It has only one distinct character: there is nothing to learn in it."
    try:
        vocabulary_of(survey, training)
        _fitting_batch_size(survey, training)
    except (ConfigError, CorpusError) as error:
        return str(error)
    if survey.characters - split_point(survey.characters, training.validation_fraction) < 2:
        return "Too little is held out: at least 2 characters are needed to be scored."
    return ""


def vocabulary_of(survey: "Survey", training: TrainingConfig) -> "Vocabulary":
    """What a model of the text would know: its characters, rare ones folded into one symbol.

    Raises:
        ConfigError: If all characters are rare.
    """
    # deferred: NumPy, which whoever surveyed has loaded
    from tui_charrnn.text.vocabulary import choose_vocabulary  # noqa: PLC0415 - as said

    return choose_vocabulary(
        survey.occurrences, min_count=training.min_count, max_vocabulary=training.max_vocabulary
    )


def form_sentence(problem: str) -> str:
    """What is wrong with a text, for somebody at the form: options are fields there."""
    return problem.replace("add --encoding utf-16", "choose the encoding utf-16").replace(
        "Name the file's encoding with --encoding, for example", "Choose its encoding:"
    )


def _progress_line(survey: "Survey") -> str:
    share = survey.found.consumed / survey.bytes_total
    return (
        f"Reading … {share:.0%} of {format_size(survey.bytes_total)}: {survey.characters:,} "
        f"characters so far, {survey.vocabulary_size:,} different ones"
    )


def _lines_of_part(survey: "Survey", training: TrainingConfig) -> list[str]:
    """What the first part of a large text tells; the rest is read when training starts."""
    characters = survey.expected_characters
    split = split_point(characters, training.validation_fraction)
    part = (
        f"{format_size(survey.bytes_total)} of {', '.join(survey.found.encodings)}, of which the "
        f"first {format_size(survey.found.consumed)} were looked at: "
        f"{survey.vocabulary_size:,} different characters there"
    )
    whole = (
        f"about {count_in_words(characters)} characters, {count_in_words(split)} to train on; all "
        "are read when training starts"
    )
    return [
        part,
        whole,
        *_folding(survey, training),
        *_remarks(survey),
    ]


def count_in_words(count: int) -> str:
    """A large number that is an estimate: 980 million, 1.2 billion."""
    for unit, size in (("billion", 1e9), ("million", 1e6)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count:,}"


def _folding(survey: "Survey", training: TrainingConfig) -> list[str]:
    """How many characters become the unknown symbol; nothing if none does."""
    try:
        vocabulary = vocabulary_of(survey, training)
    except ConfigError:
        return []  # told as the problem that it is
    if vocabulary.unknown_symbol is None:
        return []
    folded = survey.vocabulary_size - len(vocabulary) + 1
    return [f"{folded:,} rare characters become one unknown symbol: {len(vocabulary):,} symbols"]


def _size_line(survey: "Survey") -> str:
    files = "" if survey.files == 1 else f" in {survey.files:,} files"
    return (
        f"{format_size(survey.found.bytes)} of {', '.join(survey.found.encodings)}{files}: "
        f"{survey.characters:,} characters, {survey.vocabulary_size:,} different, "
        f"{survey.lines:,} lines"
    )


def _remarks(survey: "Survey") -> list[str]:
    found, remarks = survey.found, []
    if survey.skipped_files:
        remarks.append(f"binary or empty files passed over: {survey.skipped_files:,}")
    if found.has_mark:
        remarks.append("byte order mark left out")
    if found.crlf or found.cr:
        remarks.append(f"line ends with CR: {found.crlf + found.cr:,}")
    if found.composed:
        remarks.append(f"decomposed characters put together: {found.composed:,}")
    lines = ["; ".join(remarks)] if remarks else []
    if survey.suspicious:
        lines.append(f"! suspicious: {_suspicion_words(survey.suspicious)}")
    return lines


def _unheard(survey: "Survey", split: int) -> list[str]:
    unheard = survey.only_after(split)
    return [f"! held out but never trained on: {_listed(unheard)}"] if unheard else []


def _suspicion_words(suspicious: "tuple[CharacterCount, ...]") -> str:
    named = [
        f"{count.code} {_times(count.count)} ({count.suspicion})" for count in suspicious[:_NAMED]
    ]
    others = len(suspicious) - len(named)
    return "; ".join(named) + (f"; and {others:,} more" if others else "")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _listed(characters: str) -> str:
    others = len(characters) - _LISTED
    return safe_line(characters[:_LISTED]) + (f" and {others:,} more" if others > 0 else "")


def _smaller_batch(survey: "Survey", training: TrainingConfig, split: int) -> list[str]:
    try:
        fitting = _fitting_batch_size(survey, training)
    except CorpusError:
        return []  # told as the problem that it is
    if fitting == training.batch_size or not split:
        return []
    return [f"! short: {fitting:,} streams side by side instead of {training.batch_size:,}"]


def _fitting_batch_size(survey: "Survey", training: TrainingConfig) -> int:
    # deferred: NumPy, which whoever surveyed has loaded
    from tui_charrnn.text.batches import fitting_batch_size  # noqa: PLC0415 - as said

    split = split_point(survey.characters, training.validation_fraction)
    return fitting_batch_size(split, training.batch_size, training.sequence_length)
