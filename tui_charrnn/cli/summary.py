"""Tells what will be trained, before it is."""

import math
from collections.abc import Mapping

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.durations import format_duration
from tui_charrnn.model.weights import parameter_count, tensor_shapes
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.corpus import Corpus, split_point


def summarize(
    run: RunDirectory, model: ModelConfig, training: TrainingConfig, corpus: Corpus
) -> str:
    """What will be trained on what, for how long, and where it is kept."""
    characters, vocabulary_size = len(corpus.text), len(set(corpus.text))
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
