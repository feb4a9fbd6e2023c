"""How a run begins in TensorFlow: engine and checkpoint, or what is chosen by timing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from tui_charrnn.config import TrainingConfig
from tui_charrnn.model.weights import tensors_from_weights
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.records import BatchSizeChosen, PathChosen, RunPlanned, RunWarned, format_way
from tui_charrnn.training.context import RunContext
from tui_charrnn.training.distributed.coordination import Hardware, JointHardware, open_hardware
from tui_charrnn.training.distributed.replicated_engine import ReplicatedEngine
from tui_charrnn.training.distributed.roles import Assignment
from tui_charrnn.training.engine.engine import Engine
from tui_charrnn.training.engine.path_choice import RECORDED_FACTS, choose_path
from tui_charrnn.training.engine.paths import ComputePath, RunSize, format_device, library_versions
from tui_charrnn.training.loop import Material, RunEngine
from tui_charrnn.training.machine import (
    examine_machine,
    peak_memory,
    resident_memory,
    shard_count,
    thread_count,
)
from tui_charrnn.training.plan import (
    Plan,
    plan_by_count,
    plan_by_time,
    recorded_plan,
    refuse_automatic_batch,
    with_batch_size,
)
from tui_charrnn.training.preparation import Prepared, cut_material, take_initial_weights
from tui_charrnn.training.session import Session
from tui_charrnn.training.state_file import differences, machine_fingerprint, read_model
from tui_charrnn.training.timing import (
    BATCH_GAIN,
    SHARD_GAIN,
    Timed,
    batch_sizes,
    climb,
    largest_batch,
    shard_counts,
    time_batches,
    time_evaluation,
)
from tui_charrnn.training.trial_facts import Trial, TrialSettings, remember_trial

SHARDS_WORTH: float = 120.0
"""Seconds from which on a run is worth the few that it takes to time other numbers of shards."""


@dataclass(frozen=True, slots=True)
class Setup:
    """A run with a batch size and a way to compute it, ready to be timed and trained."""

    training: TrainingConfig
    material: Material
    batch_size: int
    path: ComputePath
    engine: RunEngine
    path_record: PathChosen | None
    """What was tried on a GPU; None on a processor."""


class SetupBuilder:
    """Builds a run's engine, for a batch size and a number of shards, and plans the run by it.

    The interruption receives the reasons of the other processes to leave, if there are any.
    """

    def __init__(
        self, work: Assignment, prepared: Prepared, hardware: Hardware | JointHardware
    ) -> None:
        self._work = work
        self._prepared = prepared
        self.device: Final = hardware.device
        self._replicas = hardware.replicas
        self.replica_count: Final = 1 if self._replicas is None else self._replicas.count
        """Devices that compute, of all processes together."""
        self._recorded = recorded_path(prepared)

    def build(self, training: TrainingConfig, shards: int = 0) -> Setup:
        """Build the engine, by the path that the run was started or first built with.

        0 shards takes as many, on a processor, as pay on two cores.
        """
        prepared, model = self._prepared, self._work.description.model
        material, batch_size = cut_material(prepared.text, training)
        is_gpu, rows = self.device.is_gpu, batch_size // self.replica_count
        tried = rows if is_gpu else batch_size
        size = RunSize(len(prepared.text.vocabulary), tried, len(prepared.text.training))
        choice = choose_path(
            self.device, model, training, size, self._recorded, self._work.check_cancelled
        )
        path = choice.path
        self._recorded = path.facts()
        if self._replicas is not None:
            shards = shard_count(thread_count(training.threads), rows)
        if shards and not is_gpu:
            path = replace(path, shards=shards)
        engine = self._engine(training, batch_size, path, choice.engine)
        return Setup(training, material, batch_size, path, engine, choice.record)

    def _engine(
        self, training: TrainingConfig, batch_size: int, path: ComputePath, tried: Engine | None
    ) -> RunEngine:
        """The engine of this process, perhaps the one that was tried, or its part of one."""
        work, sizes = self._work, (len(self._prepared.text.vocabulary), batch_size)
        if self._replicas is None:
            return tried or Engine(work.description.model, training, *sizes, path)
        engine = ReplicatedEngine(work.description.model, training, *sizes, path, self._replicas)
        if work.peers is not None:
            engine.share_reasons(work.interruption)
            work.peers.begin(engine, path, training)
        return engine

    def rebuild(self) -> Setup:
        """Rebuild the engine of a run that is resumed, or restarted after a death."""
        training = self._prepared.training
        setup = self.build(
            training, recorded_shards(self._prepared, thread_count(training.threads))
        )
        self._report_device(setup)
        return setup

    def plan_run(self) -> tuple[Setup, RunPlanned]:
        """Decide once what a run is computed with and how many steps it has, and record it."""
        prepared, writer, chosen = self._prepared, self._work.writer, None
        if prepared.history.planned is not None:
            return self.rebuild(), prepared.history.planned
        if prepared.training.auto_batch_size:
            writer.set_status(state=RunState.TIMING)
            setup, chosen = self._choose_batch_size()
            writer.append(chosen)
        else:
            setup = self.build(prepared.training)
        self._report_device(setup)
        writer.set_status(state=RunState.TIMING)
        seconds, plan = self._time(setup)
        if self._replicas is None and has_shards_to_choose(setup, seconds, plan.total_steps):
            finer = self._choose_shards(setup)
            if finer.path.shards != setup.path.shards:
                setup = finer
                seconds, plan = self._time(setup)
        if self._replicas is None:  # nobody plans by what several devices take
            self._remember(seconds, setup)
        planned = RunPlanned(
            total_steps=plan.total_steps,
            steps_per_epoch=plan.steps_per_epoch,
            evaluate_every=plan.evaluate_every,
            batch_size=setup.batch_size,
            seconds_per_step=seconds,
            precision=setup.path.precision,
            bound=plan.bound,
            learning_rate=None if chosen is None else chosen.learning_rate,
            shards=0 if setup.path.device != "CPU" else setup.path.shards,
            early_evaluations=plan.early_evaluations,
            is_adaptive=plan.is_adaptive,
        )
        writer.append(planned)
        return setup, planned

    def _choose_batch_size(self) -> tuple[Setup, BatchSizeChosen]:
        """Time batch sizes, from that of the settings on; take the largest that pays."""
        training, first = self._prepared.training, self._prepared.batch_size
        length, speeds = training.sequence_length, [0.0]

        def time_one(size: int) -> Timed[Setup]:
            _refuse_more_than_memory(size > first)
            setup = self.build(with_batch_size(training, size, size / first))
            speeds.append(size * length / _time_shortly(setup, self._work.check_cancelled))
            return Timed(size, speeds[-1], setup)

        def find_largest() -> int:
            return largest_batch(training, len(self._prepared.text.training), speeds[-1])

        found = climb(batch_sizes(first, find_largest), time_one, BATCH_GAIN)
        chosen = BatchSizeChosen(
            batch_size=found.taken.number,
            learning_rate=found.taken.made.training.learning_rate,
            tried=tuple(number for number, _ in found.tried),
            characters_per_second=tuple(round(speed, 1) for _, speed in found.tried),
            failure=found.failure,
        )
        return found.taken.made, chosen

    def _choose_shards(self, setup: Setup) -> Setup:
        """Time a processor's batch in more and more parts, and take the most that still pay."""
        training, size = setup.training, setup.batch_size

        def time_one(shards: int) -> Timed[Setup]:
            one = setup if shards == setup.path.shards else self.build(training, shards)
            seconds = _time_shortly(one, self._work.check_cancelled)
            return Timed(shards, size * training.sequence_length / seconds, one)

        counts = shard_counts(thread_count(training.threads), size, setup.path.shards)
        return climb(counts, time_one, SHARD_GAIN).taken.made

    def _time(self, setup: Setup) -> tuple[float, Plan]:
        """Seconds per step, and the plan that follows from them."""
        config, material, check = setup.training, setup.material, self._work.check_cancelled
        seconds = time_batches(setup.engine, material, config, check)
        if config.train_time is None:
            return seconds, plan_by_count(config, material.streams.steps_per_epoch)
        evaluation = time_evaluation(setup.engine, material, check)
        return seconds, plan_by_time(config, material.streams.steps_per_epoch, seconds, evaluation)

    def _report_device(self, setup: Setup) -> None:
        writer, count = self._work.writer, self.replica_count
        words = format_device(setup.path.device, thread_count(setup.training.threads))
        words = f"{count} x {words}" if count > 1 else words
        writer.set_status(device=words, precision=setup.path.precision, message="")
        if setup.path_record is not None:
            for trial in setup.path_record.trials:
                if trial.failure:
                    way = format_way(trial)
                    message = f"Not computed by {way}, which fails here: {trial.failure}"
                    writer.append(RunWarned(message))
            writer.append(setup.path_record)

    def _remember(self, seconds: float, setup: Setup) -> None:
        """Keep the measurement for the next plan of such a run."""
        description, text = self._work.description, self._prepared.text
        config, path = setup.training, setup.path
        trial = Trial(
            seconds_per_step=seconds,
            parameter_count=description.parameter_count,
            memory=resident_memory(),  # its peak may be that of counting n-grams
            device=format_device(path.device, thread_count(config.threads)),
            precision=path.precision,
            batch_size=setup.batch_size,
        )
        sizes = len(text.vocabulary), len(text.training)
        remember_trial(trial, TrialSettings(description.model, config, *sizes))


def recorded_shards(prepared: Prepared, threads: int) -> int:
    """The parts of a batch that a run was started with, if it has as many threads as then; or 0."""
    if prepared.state is not None:
        then = prepared.state.fingerprint
        recorded = then.get("shards", "") if then.get("threads") == str(threads) else ""
        return int(recorded) if recorded.isdigit() else 0
    planned = prepared.history.planned
    return planned.shards if planned is not None and planned.shards <= threads else 0


def recorded_path(prepared: Prepared) -> Mapping[str, str]:
    """`ComputePath.facts` of what an earlier trainer of a run computed by, as far as known."""
    if prepared.state is not None:
        return prepared.state.fingerprint
    # one that died before its first checkpoint may have planned the run
    chosen, planned = prepared.history.chosen, prepared.history.planned
    if chosen is not None:
        return {name: getattr(chosen, name) for name in RECORDED_FACTS}
    return {} if planned is None else {"precision": planned.precision}


def has_shards_to_choose(setup: Setup, seconds_per_step: float, total_steps: int) -> bool:
    """Whether a run's batch could be cut finer, and the run is long enough to find out.

    On two cores there is nothing to find out: parts of 16 streams are what was measured there.
    """
    threads = thread_count(setup.training.threads)
    is_worth_it = total_steps * seconds_per_step >= SHARDS_WORTH
    counts = shard_counts(threads, setup.batch_size, setup.path.shards)
    return threads > 2 and is_worth_it and setup.path.device == "CPU" and len(counts) > 1


def _time_shortly(setup: Setup, check_cancelled: Callable[[], None]) -> float:
    """Seconds per step from a few batches, also of a run that would spend long on timing."""
    brief = replace(setup.training, epochs=None, train_time=None, steps=1)
    return time_batches(setup.engine, setup.material, brief, check_cancelled)


def _refuse_more_than_memory(is_larger: bool) -> None:
    """Refuse a larger batch that may not fit: the system would end this process, not refuse.

    Twice the batch takes twice what this process has at most, where it is all of a batch.
    """
    available = examine_machine().available
    if is_larger and available is not None and available < peak_memory():
        raise MemoryError


_TRYING: Final = "Trying which ways to compute are right on this GPU, and which is the fastest."
_COMPILING: Final = (
    f"{_TRYING} TensorFlow's package has no code for this GPU: the first start compiles it, for "
    "minutes. CUDA_CACHE_PATH, a folder on a disk that lasts, keeps it."
)


def start_session(work: Assignment, prepared: Prepared) -> Session:
    """Build the engine, restore it or plan the run, and hand over to a session.

    Raises:
        ConfigError: If the devices or processes cannot train it together.
        BrokenClusterError: If another process does not come or is lost.
        RunError: If the checkpoint does not fit the run.
        LeavingError: If there is a reason to leave before the first step.
    """
    work.check_cancelled()
    hardware: Hardware | JointHardware | None = None
    if work.peers is not None:
        refuse_automatic_batch(work.description.training, work.peers.task.cluster.size)
        hardware = work.peers.hardware
    config, seconds = prepared.training, None
    if hardware is None:
        hardware = open_hardware(config.threads, prepared.batch_size, work.devices)
    builder = SetupBuilder(work, prepared, hardware)
    if builder.device.is_gpu:
        work.writer.set_status(message=_TRYING if builder.device.taken.has_code else _COMPILING)
    if prepared.checkpoint is not None and prepared.state is not None:
        state, setup = prepared.state, builder.rebuild()
        model = read_model(prepared.checkpoint.model)
        setup.engine.restore(tensors_from_weights(model.weights, model.config), state.tensors)
        plan = state.plan
    else:
        setup, planned = builder.plan_run()
        seconds, plan = planned.seconds_per_step, recorded_plan(planned)
        take_initial_weights(setup.engine, work.run, work.description)
    prepared.history.replan(plan, prepared.progress.step)
    fingerprint = setup.path.facts() | machine_fingerprint(
        setup.path.device, thread_count(config.threads), library_versions()
    )
    count = builder.replica_count
    fingerprint |= {"replicas": str(count)} if count > 1 else {}
    if prepared.state is not None:
        one = {"replicas": "1"}  # where none is named
        if changes := differences(one | dict(prepared.state.fingerprint), one | fingerprint):
            message = f"Going on, but not bit for bit as without a break: {changes}."
            work.writer.append(RunWarned(message))
    return Session(
        RunContext(
            run=work.run,
            description=replace(work.description, training=setup.training),
            vocabulary=prepared.text.vocabulary,
            plan=plan,
            material=setup.material,
            batch_size=setup.batch_size,
            best_baseline=prepared.best_baseline,
            fingerprint=fingerprint,
            seconds_per_step=seconds,
            deadline=work.deadline,
            engine=setup.engine,
            progress=prepared.progress,
            history=prepared.history,
            writer=work.writer,
            interruption=work.interruption,
        )
    )
