"""Plans the extension of a finished run, and records it in the run.

TensorFlow is not needed here: the trainer that resumes the run reads the record.
"""

import math
import time
from dataclasses import replace
from typing import Final

from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import ConfigError, RunError, RunLockedError, StorageError
from tui_charrnn.runs.catalogue import summarize_run
from tui_charrnn.runs.checkpoints import checkpoint_to_resume_from
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory, command_words
from tui_charrnn.runs.records import RunExtended
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.history import read_history
from tui_charrnn.training.plan import peak_at, with_chosen_batch
from tui_charrnn.translation import tr

EXTENSION_SHARE: Final = 0.3
"""Peak learning rate of an extension, as a share of the run's peak (docs/lstm.md, section 17)."""


def extend_run(run: RunDirectory, length: str, amount: float) -> RunExtended:
    """Record more steps for a finished run, so that it can be resumed.

    `length` is one of `TrainingConfig.LENGTHS`.

    Raises:
        ConfigError: If the run is not finished.
        RunLockedError: If it is being trained.
        RunError: If it cannot be read, or has no checkpoint.
        StorageError: If the disk refuses.
    """
    extended = _plan(run, length, amount)
    with RunWriter(run) as writer:
        writer.append(extended)
        total = extended.total_steps
        writer.set_status(state=RunState.SAVED, total_steps=total, eta=None, message="")
        if writer.degraded:
            raise StorageError(writer.degraded)
    return extended


def _plan(run: RunDirectory, length: str, amount: float) -> RunExtended:
    summary = summarize_run(run)
    status, description = summary.status, summary.description
    if status is None or description is None:
        raise RunError(summary.problem or tr("The run {run} has no state.json.", run=run.name))
    verdict = summary.judge(time.time())
    if verdict in {"alive", "silent"}:
        raise RunLockedError(
            "The run {run} is being trained; it can be extended once it is finished. Watch it "
            "with: {command}",
            run=run.name,
            command=command_words("attach", run),
        )
    if status.state is not RunState.FINISHED:
        state = "lost" if verdict == "lost" else status.state
        raise ConfigError(
            "The run {run} is not finished: it is {state} at step {step:,} of {total:,}. Train "
            "the rest of it first, with: {command}",
            run=run.name,
            state=tr(state),
            step=status.step,
            total=status.total_steps or 0,
            command=command_words("resume", run),
        )
    history = read_history(run)
    plan = history.plan
    if plan is None:
        raise RunError(
            "The run {run} has no record of its plan, so it cannot be extended.", run=run.name
        )
    if checkpoint_to_resume_from(run) is None:
        raise RunError("The run {run} has no whole checkpoint to go on from.", run=run.name)
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
    bounds = TrainingConfig.bounds()[length]
    try:
        amount = TrainingConfig.parse(length, text)
    except ConfigError:
        amount = None
    if amount is None or not bounds.admits(amount):
        allowed = replace(bounds, optional=False).allowed()
        if bounds.is_duration:
            allowed = tr("a time like 90s, 10m or 2h")
        raise ConfigError(
            "{name} must be {allowed}. Received: {text!r}.", name=name, allowed=allowed, text=text
        )
    return float(amount)
