"""Brings a prepared run up in TensorFlow: engine, checkpoint, plan."""

from collections.abc import Callable
from dataclasses import replace

from tui_charrnn.model.weights import tensors_from_weights
from tui_charrnn.runs.description import RunDescription, RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import RunPlanned, RunWarned
from tui_charrnn.runs.storage import Storage
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.chief import ChiefEngine
from tui_charrnn.training.context import RunContext
from tui_charrnn.training.devices import (
    Device,
    configure_devices,
    device_words,
    library_versions,
)
from tui_charrnn.training.engine import Engine
from tui_charrnn.training.interruption import Interruption
from tui_charrnn.training.joining import join_replicas
from tui_charrnn.training.machine import shard_count, thread_count
from tui_charrnn.training.paths import ComputePath, RunSize, choose_path
from tui_charrnn.training.plan import Plan, plan_by_count, plan_by_time
from tui_charrnn.training.preparation import Prepared
from tui_charrnn.training.replicas import Replicas
from tui_charrnn.training.replicated_engine import ReplicatedEngine
from tui_charrnn.training.run_engine import RunEngine
from tui_charrnn.training.session import Session
from tui_charrnn.training.state_file import differences, machine_fingerprint, read_model
from tui_charrnn.training.team import Team
from tui_charrnn.training.timing import time_batches, time_evaluation
from tui_charrnn.training.trial_facts import Trial, remember_trial
from tui_charrnn.training.usage import resident_memory


def start_session(  # noqa: PLR0913, PLR0917  all that a trainer has
    run: RunDirectory,
    description: RunDescription,
    prepared: Prepared,
    writer: RunWriter,
    interruption: Interruption,
    deadline: float | None,
    team: Team,
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
    config = description.training
    device = configure_devices(config.threads, prepared.batch_size // team.placement.processes)
    others = team.placement.processes - 1
    if others:
        writer.set_status(message=f"Waiting for {others} other process{'es' * (others > 1)}.")
    replicas = join_replicas(
        team, device, prepared.batch_size, prepared.text.sha256, interruption, check_cancelled
    )
    if others:
        writer.set_status(message="")
    count = 1 if replicas is None else replicas.count
    path = _choose_path(device, count, description, prepared, writer)
    fingerprint = path.facts() | machine_fingerprint(
        path.device, thread_count(config.threads), library_versions()
    )
    fingerprint |= {"replicas": str(count)} if count > 1 else {}
    engine = _build_engine(description, prepared, path, replicas, team, interruption)
    seconds = None
    if prepared.checkpoint is not None and prepared.state is not None:
        state = prepared.state
        model = read_model(prepared.checkpoint.model)
        engine.restore(tensors_from_weights(model.weights, model.config), state.tensors)
        plan = state.plan
        one = {"replicas": "1"}  # where none is named
        if changes := differences(one | dict(state.fingerprint), one | fingerprint):
            message = f"Going on, but not bit for bit as without a break: {changes}."
            writer.append(RunWarned(message))
    else:
        planned = prepared.history.planned or _plan_run(
            engine, description, prepared, path, writer, check_cancelled
        )
        plan = Plan(planned.total_steps, planned.steps_per_epoch, planned.evaluate_every)
        seconds = planned.seconds_per_step
    context = RunContext(
        run=run,
        storage=Storage(inside=run.path),
        description=description,
        vocabulary=prepared.text.vocabulary,
        plan=plan,
        batch_size=prepared.batch_size,
        best_baseline=prepared.best_baseline,
        fingerprint=fingerprint,
        seconds_per_step=seconds,
        deadline=deadline,
    )
    return Session(context, engine, prepared.progress, prepared.history, writer, interruption)


def _build_engine(
    description: RunDescription,
    prepared: Prepared,
    path: ComputePath,
    replicas: Replicas | None,
    team: Team,
    interruption: Interruption,
) -> RunEngine:
    """The engine of this process, or of all, as the chief has it."""
    sizes = len(prepared.text.vocabulary), prepared.batch_size
    if replicas is None:
        return Engine(description.model, description.training, *sizes, path)
    engine = ReplicatedEngine(description.model, description.training, *sizes, path, replicas)
    if team.placement.cluster is None:
        return engine
    return ChiefEngine(engine, team, interruption, path)


def _choose_path(
    device: Device,
    replicas: int,
    description: RunDescription,
    prepared: Prepared,
    writer: RunWriter,
) -> ComputePath:
    """How each replica computes; a run that was begun in one precision goes on in it."""
    config = description.training
    size = RunSize(len(prepared.text.vocabulary), prepared.batch_size, len(prepared.text.training))
    if prepared.state is not None:
        begun_in = prepared.state.fingerprint.get("precision")
    else:  # a trainer that died before its first checkpoint may have planned the run
        planned = prepared.history.planned
        begun_in = planned.precision if planned else None
    path = choose_path(device, description.model, config, size, begun_in or None)
    threads = thread_count(config.threads)
    words = device_words(path.device, threads)
    if replicas > 1:
        shards = 1 if device.is_gpu else shard_count(threads, prepared.batch_size // replicas)
        path = replace(path, shards=shards, steps_per_call=1)
        words = f"{replicas} x {words}"
    writer.set_status(device=words, precision=path.precision)
    return path


def _plan_run(
    engine: RunEngine,
    description: RunDescription,
    prepared: Prepared,
    path: ComputePath,
    writer: RunWriter,
    check_cancelled: Callable[[], None],
) -> RunPlanned:
    """Decide once how many steps the run has, and record it."""
    writer.set_status(state=RunState.TIMING)
    config, steps_per_epoch = description.training, prepared.material.streams.steps_per_epoch
    seconds = time_batches(engine, prepared.material, config, check_cancelled)
    if isinstance(engine, Engine):  # nobody plans by what several devices take
        _remember(seconds, description, prepared, path)
    if config.train_time is None:
        plan = plan_by_count(config, steps_per_epoch)
    else:
        evaluation = time_evaluation(engine, prepared.material, check_cancelled)
        plan = plan_by_time(config, steps_per_epoch, seconds, evaluation)
    planned = RunPlanned(
        total_steps=plan.total_steps,
        steps_per_epoch=plan.steps_per_epoch,
        evaluate_every=plan.evaluate_every,
        batch_size=prepared.batch_size,
        seconds_per_step=seconds,
        precision=path.precision,
    )
    writer.append(planned)
    return planned


def _remember(
    seconds: float, description: RunDescription, prepared: Prepared, path: ComputePath
) -> None:
    """Keep the measurement for whoever plans such a run next."""
    config, vocabulary_size = description.training, len(prepared.text.vocabulary)
    trial = Trial(
        seconds_per_step=seconds,
        parameter_count=description.parameter_count,
        memory=resident_memory(),  # its peak may be that of counting n-grams
        device=device_words(path.device, thread_count(config.threads)),
        precision=path.precision,
        batch_size=prepared.batch_size,
    )
    remember_trial(trial, description.model, config, vocabulary_size, len(prepared.text.training))
