"""Brings a prepared run up in TensorFlow: engine, checkpoint, plan."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from tui_charrnn.model.weights import tensors_from_weights
from tui_charrnn.runs.description import RunDescription, RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import RunPlanned, RunWarned, format_way
from tui_charrnn.runs.storage import Storage
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.batch_choice import refuse_automatic_batch
from tui_charrnn.training.context import RunContext
from tui_charrnn.training.diagnosis.trial_facts import Trial, remember_trial
from tui_charrnn.training.distributed.placement import Placement
from tui_charrnn.training.distributed.replicas import open_hardware
from tui_charrnn.training.distributed.roles import Peers
from tui_charrnn.training.interruption import Interruption
from tui_charrnn.training.machine.devices import device_words, library_versions
from tui_charrnn.training.machine.hardware import thread_count
from tui_charrnn.training.machine.usage import resident_memory
from tui_charrnn.training.outset import (
    Outset,
    OutsetBuilder,
    choose_batch_size,
    choose_shards,
    has_shards_to_choose,
    recorded_shards,
)
from tui_charrnn.training.plan import Plan, plan_by_count, plan_by_time, recorded_plan
from tui_charrnn.training.preparation import Prepared
from tui_charrnn.training.session import Session
from tui_charrnn.training.state_file import differences, machine_fingerprint, read_model
from tui_charrnn.training.timing import time_batches, time_evaluation

_TRYING: Final = "Trying which ways to compute are right on this GPU, and which is the fastest."
_COMPILING: Final = (
    f"{_TRYING} TensorFlow's package has no code for this GPU: the first start compiles it, for "
    "minutes. CUDA_CACHE_PATH, a folder on a disk that lasts, keeps it."
)


def start_session(  # noqa: PLR0913, PLR0917  all that a trainer has
    run: RunDirectory,
    description: RunDescription,
    prepared: Prepared,
    writer: RunWriter,
    interruption: Interruption,
    deadline: float | None,
    placement: Placement,
    peers: Peers | None = None,
) -> Session:
    """Build the engine, restore it or plan the run, and hand over to a session.

    Raises:
        ConfigError: If the devices or processes cannot train it together.
        BrokenClusterError: If another process does not come or is lost.
        RunError: If the checkpoint does not fit the run.
        LeavingError: If there is a reason to leave before the first step.
    """

    def check_cancelled() -> None:
        interruption.check_cancelled(deadline)

    check_cancelled()
    refuse_automatic_batch(description.training, placement.processes)
    hardware = None if peers is None else peers.hardware
    if hardware is None:
        hardware = open_hardware(placement, prepared.training.threads, prepared.batch_size)
    builder = OutsetBuilder(description, prepared, hardware, peers, interruption)
    if builder.device.is_gpu:
        writer.set_status(message=_TRYING if builder.device.has_code else _COMPILING)
    config, count, seconds = prepared.training, builder.replica_count, None
    if prepared.checkpoint is not None and prepared.state is not None:
        state, outset = prepared.state, _rebuild(builder, prepared, writer, check_cancelled)
        model = read_model(prepared.checkpoint.model)
        outset.engine.restore(tensors_from_weights(model.weights, model.config), state.tensors)
        plan = state.plan
    else:
        outset, planned = _plan_run(builder, description, prepared, writer, check_cancelled)
        seconds, plan = planned.seconds_per_step, recorded_plan(planned)
    prepared.history.replan(plan, prepared.progress.step)
    fingerprint = outset.path.facts() | machine_fingerprint(
        outset.path.device, thread_count(config.threads), library_versions()
    )
    fingerprint |= {"replicas": str(count)} if count > 1 else {}
    if prepared.state is not None:
        one = {"replicas": "1"}  # where none is named
        if changes := differences(one | dict(prepared.state.fingerprint), one | fingerprint):
            message = f"Going on, but not bit for bit as without a break: {changes}."
            writer.append(RunWarned(message))
    context = RunContext(
        run=run,
        storage=Storage(inside=run.path),
        description=replace(description, training=outset.training),
        vocabulary=prepared.text.vocabulary,
        plan=plan,
        material=outset.material,
        batch_size=outset.batch_size,
        best_baseline=prepared.best_baseline,
        fingerprint=fingerprint,
        seconds_per_step=seconds,
        deadline=deadline,
    )
    engine = outset.engine
    return Session(context, engine, prepared.progress, prepared.history, writer, interruption)


def _rebuild(
    builder: OutsetBuilder,
    prepared: Prepared,
    writer: RunWriter,
    check_cancelled: Callable[[], None],
) -> Outset:
    """What a run was begun with that is gone on with, or begun again after a death."""
    shards = recorded_shards(prepared, thread_count(prepared.training.threads))
    outset = builder.build(prepared.training, check_cancelled, shards)
    _tell_device(outset, builder.replica_count, writer)
    return outset


def _tell_device(outset: Outset, replicas: int, writer: RunWriter) -> None:
    words = device_words(outset.path.device, thread_count(outset.training.threads))
    words = f"{replicas} x {words}" if replicas > 1 else words
    writer.set_status(device=words, precision=outset.path.precision, message="")
    if outset.path_record is not None:
        for trial in outset.path_record.trials:
            if trial.failure:
                words = f"Not computed by {format_way(trial)}, which fails here: {trial.failure}"
                writer.append(RunWarned(words))
        writer.append(outset.path_record)


def _plan_run(
    builder: OutsetBuilder,
    description: RunDescription,
    prepared: Prepared,
    writer: RunWriter,
    check_cancelled: Callable[[], None],
) -> tuple[Outset, RunPlanned]:
    """Decide once what a run is computed with and how many steps it has, and record it."""
    if prepared.history.planned is not None:
        return _rebuild(builder, prepared, writer, check_cancelled), prepared.history.planned
    chosen = None
    if prepared.training.auto_batch_size:
        writer.set_status(state=RunState.TIMING)
        outset, chosen = choose_batch_size(builder, prepared, check_cancelled)
        writer.append(chosen)
    else:
        outset = builder.build(prepared.training, check_cancelled)
    _tell_device(outset, builder.replica_count, writer)
    writer.set_status(state=RunState.TIMING)
    seconds = time_batches(outset.engine, outset.material, outset.training, check_cancelled)
    plan = _plan(outset, seconds, check_cancelled)
    if builder.is_alone and has_shards_to_choose(outset, seconds, plan.total_steps):
        finer = choose_shards(builder, outset, check_cancelled).taken.made
        if finer.path.shards != outset.path.shards:
            outset = finer
            seconds = time_batches(outset.engine, outset.material, outset.training, check_cancelled)
            plan = _plan(outset, seconds, check_cancelled)
    if builder.is_alone:  # nobody plans by what several devices take
        _remember(seconds, description, prepared, outset)
    planned = RunPlanned(
        total_steps=plan.total_steps,
        steps_per_epoch=plan.steps_per_epoch,
        evaluate_every=plan.evaluate_every,
        batch_size=outset.batch_size,
        seconds_per_step=seconds,
        precision=outset.path.precision,
        bound=plan.bound,
        learning_rate=None if chosen is None else chosen.learning_rate,
        shards=0 if outset.path.device != "CPU" else outset.path.shards,
        early_evaluations=plan.early_evaluations,
        is_adaptive=plan.is_adaptive,
    )
    writer.append(planned)
    return outset, planned


def _plan(outset: Outset, seconds: float, check_cancelled: Callable[[], None]) -> Plan:
    config, steps_per_epoch = outset.training, outset.material.streams.steps_per_epoch
    if config.train_time is None:
        return plan_by_count(config, steps_per_epoch)
    evaluation = time_evaluation(outset.engine, outset.material, check_cancelled)
    return plan_by_time(config, steps_per_epoch, seconds, evaluation)


def _remember(
    seconds: float, description: RunDescription, prepared: Prepared, outset: Outset
) -> None:
    """Keep the measurement for whoever plans such a run next."""
    config, path, vocabulary_size = outset.training, outset.path, len(prepared.text.vocabulary)
    trial = Trial(
        seconds_per_step=seconds,
        parameter_count=description.parameter_count,
        memory=resident_memory(),  # its peak may be that of counting n-grams
        device=device_words(path.device, thread_count(config.threads)),
        precision=path.precision,
        batch_size=outset.batch_size,
    )
    remember_trial(trial, description.model, config, vocabulary_size, len(prepared.text.training))
