"""Creates a run, and extends a finished one; TensorFlow is not needed for either.

The vocabulary of a new run is determined and checked before its folder is created. An extension is
a record, which the trainer that resumes the run reads.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tui_charrnn.config import ModelConfig, TrainingConfig, refuse_together
from tui_charrnn.errors import ConfigError, CorpusError, RunError, RunLockedError, StorageError
from tui_charrnn.generation.training_corpus import StartingModel, read_run_corpus
from tui_charrnn.model.shapes import parameter_count
from tui_charrnn.runs.catalogue import summarize_run
from tui_charrnn.runs.checkpoints import checkpoint_to_resume_from
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.launcher import require_tensorflow
from tui_charrnn.runs.layout import RunDirectory, format_command
from tui_charrnn.runs.lifecycle import create_run
from tui_charrnn.runs.liveness import AT_WORK
from tui_charrnn.runs.reader import read_description
from tui_charrnn.runs.records import RunExtended
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.text.corpus import Corpus, choose_seeds, fitting_batch_size
from tui_charrnn.text.vocabulary import choose_vocabulary, grown_vocabulary
from tui_charrnn.training.history import read_history
from tui_charrnn.training.plan import peak_at, with_chosen_batch
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

    Without a `name` it is named after the time and the corpus. The settings came from a `preset`,
    and must match the `StartingPoint` of a `starting` model. `pinned_seeds` are sampled from during
    training; None for the beginning of the text.

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
            "{name} has only one distinct character: there is nothing to learn in it.",
            name=corpus.name,
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


EXTENSION_SHARE: Final = 0.3
"""Peak learning rate of an extension, as a share of the run's peak (docs/lstm.md, section 17)."""


def extend_run(
    run: RunDirectory, length: str, amount: float, *, accepts_change: bool = False
) -> RunExtended:
    """Record more steps for a finished run, so that it can be resumed.

    `length` is one of `TrainingConfig.LENGTHS`. With `accepts_change` its text may have changed.

    Raises:
        ConfigError: If the run is not finished.
        CorpusError: If its text cannot be read or has changed; the run stays finished.
        RunLockedError: If it is being trained.
        RunError: If it cannot be read, or has no checkpoint.
        StorageError: If the disk refuses.
    """
    extended = _plan_extension(run, length, amount)
    read_run_corpus(run, read_description(run).corpus, accepts_change=accepts_change)
    with RunWriter(run) as writer:
        writer.append(extended)
        total = extended.total_steps
        writer.set_status(state=RunState.SAVED, total_steps=total, eta=None, message="")
        if writer.degraded:
            raise StorageError(writer.degraded)
    return extended


def _plan_extension(run: RunDirectory, length: str, amount: float) -> RunExtended:
    summary = summarize_run(run)
    status, description = summary.status, summary.description
    if status is None or description is None:
        raise RunError(summary.problem or tr("The run {run} has no state.json.", run=run.name))
    verdict = summary.judge(time.time())
    if verdict in AT_WORK:
        raise RunLockedError(
            "The run {run} is being trained; it can be extended once it is finished. Watch it "
            "with: {command}",
            run=run.name,
            command=format_command("attach", run),
        )
    if status.state is not RunState.FINISHED:
        state = "lost" if verdict == "lost" else status.state
        raise ConfigError(
            "The run {run} is not finished: it is {state} at step {step:,} of {total:,}. Finish "
            "it first: {command}",
            run=run.name,
            state=tr(state),
            step=status.step,
            total=status.total_steps or 0,
            command=format_command("resume", run),
        )
    history = read_history(run)
    plan = history.plan
    if plan is None:
        raise RunError(
            "The run {run} has no record of its plan, so it cannot be extended.", run=run.name
        )
    if checkpoint_to_resume_from(run) is None:
        raise RunError("The run {run} has no intact checkpoint to resume from.", run=run.name)
    config = with_chosen_batch(description.training, plan)
    match length:
        case "steps":
            more = int(amount)
        case "epochs":
            more = math.ceil(amount * plan.steps_per_epoch)
        case _:  # at the previous speed, including evaluations; adjusted during training
            more = max(1, math.floor(amount * status.step / max(status.elapsed, 1e-9)))
    is_lowered = config.schedule != "constant" and not history.extensions
    peak = peak_at(status.step, config, history.changes)
    warmup = max(1, math.ceil(config.warmup_fraction * more))
    return RunExtended(
        step=status.step + 1,
        total_steps=status.step + more,
        warmup_steps=0 if config.schedule == "constant" else warmup,
        learning_rate=peak * EXTENSION_SHARE if is_lowered else peak,
        elapsed=status.elapsed,
        train_time=amount if length == "train_time" else None,
    )


def read_amount(length: str, text: str, name: str) -> float:
    """Parse the length of an extension; `name` is the option in error messages.

    Raises:
        ConfigError: If the length is not allowed.
    """
    try:
        amount = TrainingConfig.parse(length, text)
    except ConfigError:
        amount = None
    return check_amount(length, amount, text, name)


def check_amount(length: str, amount: float | None, text: str, name: str) -> float:
    """Return the length of an extension, typed as `text`; raises like `read_amount`."""
    bounds = TrainingConfig.bounds()[length]
    if amount is None or not bounds.admits(amount):
        allowed = replace(bounds, optional=False).allowed()
        raise ConfigError(
            "{name} must be {allowed}. Received: {text!r}.", name=name, allowed=allowed, text=text
        )
    return float(amount)
