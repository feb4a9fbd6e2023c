"""`python -m tui_charrnn.training.diagnosis.trial SETTINGS` times batches, as a run trains them.

Prints one JSON document, a `Trial`, on standard output and nothing else there: whatever libraries
print goes to standard error. What was measured is kept for the next time that somebody asks.
"""

import sys
from dataclasses import replace

import numpy as np

from tui_charrnn.errors import CharRNNError, ExitCode
from tui_charrnn.model.shapes import parameter_count
from tui_charrnn.text.batches import ContiguousStreams
from tui_charrnn.text.corpus import fitting_batch_size
from tui_charrnn.training.diagnosis.examination import exclusive_output
from tui_charrnn.training.diagnosis.trial_facts import (
    Trial,
    TrialSettings,
    remember_trial,
    write_trial,
)
from tui_charrnn.training.engine.engine import Engine
from tui_charrnn.training.engine.path_choice import choose_path
from tui_charrnn.training.engine.paths import RunSize
from tui_charrnn.training.loop import Material
from tui_charrnn.training.machine.devices import configure_devices, device_words
from tui_charrnn.training.machine.hardware import thread_count
from tui_charrnn.training.machine.usage import peak_memory
from tui_charrnn.training.timing import time_batches


def try_settings(settings: TrialSettings) -> Trial:
    """Choose the path of a training, build its network and time a few batches.

    Raises:
        CorpusError: If the text is too short for the settings.
    """
    model, training = settings.model, settings.training
    size = RunSize(
        settings.vocabulary_size,
        fitting_batch_size(
            settings.training_characters, training.batch_size, training.sequence_length
        ),
        settings.training_characters,
    )
    device = configure_devices(training.threads, size.batch_size)
    choice = choose_path(device, model, training, size)
    path, shape = choice.path, (size.vocabulary_size, size.batch_size)
    engine = choice.engine or Engine(model, training, *shape, path)
    # a length in steps: of one that is a time, a share would be spent on timing
    timed = replace(training, epochs=None, train_time=None, steps=1)
    seconds = time_batches(engine, _noise(size, training.sequence_length), timed)
    return Trial(
        seconds_per_step=seconds,
        parameter_count=parameter_count(model, size.vocabulary_size),
        memory=peak_memory(),
        device=device_words(path.device, thread_count(training.threads)),
        precision=path.precision,
        batch_size=size.batch_size,
    )


def _noise(size: RunSize, sequence_length: int) -> Material:
    """Random characters that fill one batch: a step takes as long whatever it reads."""
    count = size.batch_size * sequence_length + 1
    text = np.random.default_rng(0).integers(0, size.vocabulary_size, count, dtype=np.int32)
    streams = ContiguousStreams(
        text, batch_size=size.batch_size, sequence_length=sequence_length, rng_seed=0
    )
    return Material(streams, heldout=())


def _explain(error: Exception) -> str:
    """One line: why nothing could be timed."""
    if isinstance(error, CharRNNError):
        return str(error)
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return (
            "There is not enough memory for a batch: choose a smaller batch size, sequence length "
            "or hidden size."
        )
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200] if lines else 'no message'}"


def main() -> int:
    """Try the settings that the command line holds; the result is the exit code."""
    with exclusive_output() as output:
        try:
            settings = TrialSettings.from_json(sys.argv[1])
            trial = try_settings(settings)
        except Exception as error:  # noqa: BLE001  the process that started this one reports it
            print(_explain(error), file=sys.stderr)  # noqa: T201  as said
            return int(error.exit_code if isinstance(error, CharRNNError) else ExitCode.UNEXPECTED)
        remember_trial(trial, settings)
        output.write(write_trial(trial) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
