"""Tells what will be trained, before it is."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.durations import format_duration
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.corpus import Corpus, split_point

if TYPE_CHECKING:
    from tui_charrnn.text.vocabulary import Vocabulary

_LARGE_VOCABULARY: Final = 20_000
"""Characters; a text in Chinese has some 7,000."""
_ADVISED: Final = 8000


def summarize(
    run: RunDirectory, model: ModelConfig, training: TrainingConfig, corpus: Corpus
) -> str:
    """What will be trained on what, for how long, and where it is kept."""
    # deferred: NumPy, which the other commands and the first frame of the app do not wait for
    from tui_charrnn.model.weights import parameter_count, tensor_shapes  # noqa: PLC0415  as said
    from tui_charrnn.text.vocabulary import choose_vocabulary  # noqa: PLC0415  as said

    characters, occurrences = len(corpus), corpus.numbered.occurrences()
    vocabulary = choose_vocabulary(
        occurrences, min_count=training.min_count, max_vocabulary=training.max_vocabulary
    )
    vocabulary_size = len(vocabulary)
    split = split_point(characters, training.validation_fraction)
    shapes = tensor_shapes(model, vocabulary_size)
    corpus_words = (
        f"{safe_line(corpus.name)}: {characters:,} characters, vocabulary {vocabulary_size:,}"
        f"{_folding_words(vocabulary, occurrences)}; the last {characters - split:,} are held out"
    )
    model_words = (
        f"embedding {model.embedding_size}, {model.layer_count} x {model.cell_name} "
        f"{model.hidden_size}, softmax {vocabulary_size}: "
        f"{parameter_count(model, vocabulary_size):,} parameters"
    )
    training_words = (
        f"{_batch_words(training, split)}, "
        f"{training.optimizer} at {training.learning_rate:g}, dropout {training.dropout:g}, "
        f"{_length_words(training)}"
    )
    remarks = [_reading_words(corpus), _vocabulary_advice(training, vocabulary_size)]
    lines = [
        f"Run        {safe_line(run.name)}  in {safe_line(str(run.path))}",
        f"Corpus     {corpus_words}",
        *(f"           {remark}" for remark in remarks if remark),
        f"Model      {model_words}",
        *_tensor_lines(shapes),
        f"Training   {training_words}",
    ]
    return "\n".join(lines)


def _vocabulary_advice(training: TrainingConfig, size: int) -> str:
    """What to do about so many characters that each step computes little else; or nothing."""
    if size <= _LARGE_VOCABULARY or training.max_vocabulary is not None:
        return ""
    return (
        f"so many different characters make every step slow: --max-vocabulary {_ADVISED} "
        "takes the rarest as one"
    )


def _folding_words(vocabulary: "Vocabulary", occurrences: Mapping[str, int]) -> str:
    """How many characters, and how much of the text, the unknown symbol stands for."""
    if vocabulary.unknown_symbol is None:
        return ""
    folded = [
        count
        for character, count in occurrences.items()
        if character not in vocabulary or character == vocabulary.unknown_symbol
    ]
    share = sum(folded) / sum(occurrences.values())
    return f" ({len(folded):,} rare ones as one symbol, {share:.2g} of the text)"


def _reading_words(corpus: Corpus) -> str:
    """What reading changed or passed over; empty if it took all as it was."""
    report = corpus.report
    line_ends = report.crlf + report.cr
    happened = [
        (f"decoded from {report.encoding}", report.encoding != "utf-8"),
        ("byte order mark left out", report.bom),
        (f"{line_ends:,} CR LF or CR turned into LF", corpus.unify_newlines and line_ends > 0),
        (
            f"{report.composed:,} characters composed (Unicode NFC)",
            corpus.compose and report.composed > 0,
        ),
        (f"{report.skipped_files:,} binary or empty files passed over", report.skipped_files > 0),
    ]
    return "; ".join(words for words, is_so in happened if is_so)


def _batch_words(training: TrainingConfig, training_characters: int) -> str:
    # deferred: NumPy, as above
    from tui_charrnn.text.batches import fitting_batch_size  # noqa: PLC0415  as said

    asked, length = training.batch_size, training.sequence_length
    fitting = fitting_batch_size(training_characters, asked, length)
    remark = f" (not {asked}: the text is small)" if fitting < asked else ""
    if training.auto_batch_size:
        remark += " or more, as is timed at the start"
    return f"batch {fitting} x {length} characters{remark}"


def _tensor_lines(shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    width = max(map(len, shapes))
    return [
        f"           {name:<{width}}  {' x '.join(map(str, shape)):>13}  {math.prod(shape):>12,}"
        for name, shape in shapes.items()
    ]


def _length_words(training: TrainingConfig) -> str:
    """How long is trained, with whatever may end it before."""
    parts = [("for " if training.train_time is not None else "") + length_words(training)]
    if training.max_epochs is not None:
        parts.append(f"{training.max_epochs:g} epochs at most")
    if training.stop_early is not None:
        count = training.stop_early
        times = f"{count:,} validations" if count > 1 else "a validation"
        parts.append(f"until {times} without gain")
    return ", ".join(parts)


def length_words(training: TrainingConfig) -> str:
    """How long is trained."""
    if training.train_time is not None:
        return format_duration(training.train_time)
    if training.steps is not None:
        return f"{training.steps:,} steps"
    return f"{training.epochs:g} epochs"
