"""Makes a run from a corpus and two configurations, and tells what will be trained."""

import math
from collections.abc import Mapping
from pathlib import Path

from tui_charrnn.config import ModelConfig, Preset, TrainingConfig
from tui_charrnn.durations import format_duration
from tui_charrnn.model.weights import parameter_count, tensor_shapes
from tui_charrnn.runs.creation import create_run
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.batches import fitting_batch_size
from tui_charrnn.text.corpus import Corpus, split_point
from tui_charrnn.text.vocabulary import Vocabulary


def make_run(
    folder: Path,
    name: str | None,
    preset: Preset,
    configurations: tuple[ModelConfig, TrainingConfig],
    corpus: Corpus,
) -> tuple[RunDirectory, str]:
    """Create a run directory, once it is certain that the run can be trained.

    Returns:
        The run, and a summary of it in several lines.

    Raises:
        CorpusError: If the corpus is too short.
        ConfigError: If the name is taken or cannot be one.
    """
    model, training = configurations
    vocabulary = Vocabulary.from_text(corpus.text)
    split = split_point(len(corpus.text), training.validation_fraction)
    fitting_batch_size(split, training.batch_size, training.sequence_length)  # refuses a short text
    run = create_run(
        folder,
        name=name,
        preset=preset.name,
        model=model,
        training=training,
        corpus=corpus,
        vocabulary=vocabulary,
        parameter_count=parameter_count(model, len(vocabulary)),
    )
    return run, summarize(run, model, training, corpus, len(vocabulary))


def summarize(
    run: RunDirectory,
    model: ModelConfig,
    training: TrainingConfig,
    corpus: Corpus,
    vocabulary_size: int,
) -> str:
    """What will be trained on what, for how long, and where it is kept."""
    characters = len(corpus.text)
    split = split_point(characters, training.validation_fraction)
    shapes = tensor_shapes(model, vocabulary_size)
    corpus_words = (
        f"{safe_line(corpus.name)}: {characters:,} characters, vocabulary {vocabulary_size:,}; "
        f"the last {characters - split:,} are held out"
    )
    model_words = (
        f"embedding {model.embedding_size}, {model.layer_count} x {model.cell} "
        f"{model.hidden_size}, softmax {vocabulary_size}: "
        f"{parameter_count(model, vocabulary_size):,} parameters"
    )
    training_words = (
        f"batch {training.batch_size} x {training.sequence_length} characters, "
        f"{training.optimizer} at {training.learning_rate:g}, dropout {training.dropout:g}, "
        f"{_length_words(training)}"
    )
    lines = [
        f"Run        {safe_line(run.name)}  in {safe_line(str(run.path))}",
        f"Corpus     {corpus_words}",
        f"Model      {model_words}",
        *_tensor_lines(shapes),
        f"Training   {training_words}",
    ]
    return "\n".join(lines)


def _tensor_lines(shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    width = max(map(len, shapes))
    return [
        f"           {name:<{width}}  {' x '.join(map(str, shape)):>13}  {math.prod(shape):>12,}"
        for name, shape in shapes.items()
    ]


def _length_words(training: TrainingConfig) -> str:
    if training.train_time is not None:
        return f"for {format_duration(training.train_time)}"
    if training.steps is not None:
        return f"{training.steps:,} steps"
    return f"{training.epochs:g} epochs"
