"""Creates a new run: determines its vocabulary and checks it before creating the folder.

TensorFlow is not imported here.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tui_charrnn.config import ModelConfig, TrainingConfig, refuse_together
from tui_charrnn.errors import CorpusError
from tui_charrnn.generation.training_corpus import StartingModel
from tui_charrnn.model.shapes import parameter_count
from tui_charrnn.runs.creation import create_run
from tui_charrnn.runs.launcher import require_tensorflow
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.text.corpus import Corpus, choose_seeds, fitting_batch_size
from tui_charrnn.text.vocabulary import choose_vocabulary, grown_vocabulary
from tui_charrnn.translation import tr


def make_run(  # noqa: PLR0913, PLR0917  (the parts of a run)
    folder: Path,
    name: str | None,
    preset: str,
    configurations: tuple[ModelConfig, TrainingConfig],
    corpus: Corpus,
    pinned_seeds: Sequence[str] | None = (),
    starting: StartingModel | None = None,
) -> RunDirectory:
    """Create a run directory after checking that the run can be trained.

    Args:
        folder: The folder of runs.
        name: The run's name; None for one of the time and the corpus.
        preset: Name of the preset that the settings came from.
        configurations: Model and training configuration.
        corpus: The text.
        pinned_seeds: Seed texts to sample from during training; None for the beginning of the text.
        starting: The model to start from; the settings must match its `StartingPoint`.

    Raises:
        CorpusError: If the corpus is too short, or has only one distinct character.
        ConfigError: If the name is taken or invalid, a seed is too long, all characters are too
            rare, or TensorFlow is not installed.
        StorageError: If the disk refuses.
    """
    require_tensorflow()
    model, training = configurations
    refuse_together(model, training)
    occurrences = corpus.numbered.occurrences()
    if len(occurrences) < 2:
        raise CorpusError(
            tr(
                "{name} has only one distinct character: there is nothing to learn in it.",
                name=corpus.name,
            )
        )
    bounds: dict[str, Any] = {
        "min_count": training.min_count,
        "max_vocabulary": training.max_vocabulary,
    }
    if starting is None:
        vocabulary = choose_vocabulary(occurrences, has_records=training.has_records, **bounds)
    else:
        starting.point.refuse_others({
            **model.to_mapping(),
            "units": training.units,
            "records": training.records,
        })
        vocabulary = grown_vocabulary(starting.vocabulary, occurrences, **bounds)
    split = corpus.split(training.validation_fraction)
    fitting_batch_size(split, training.batch_size, training.sequence_length)  # raises if too short
    return create_run(
        folder,
        name=name,
        preset=preset,
        model=model,
        training=training,
        corpus=corpus,
        vocabulary=vocabulary,
        parameter_count=parameter_count(model, len(vocabulary)),
        pinned_seeds=choose_seeds("" if training.has_records else corpus.beginning, pinned_seeds),
        origin=None if starting is None else starting.origin,
        initial_model=b"" if starting is None else starting.data,
    )
