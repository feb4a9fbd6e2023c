"""Start a run in TensorFlow: build the engine, and restore a checkpoint or plan by timing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from tui_charrnn.config import TrainingConfig
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.records import BatchSizeChosen, PathChosen, RunPlanned, format_way
from tui_charrnn.training.context import RunContext
from tui_charrnn.training.distributed.coordination import open_hardware
from tui_charrnn.training.distributed.replicated_engine import ReplicatedEngine
from tui_charrnn.training.distributed.roles import Assignment
from tui_charrnn.training.engine.engine import Engine
from tui_charrnn.training.engine.path_choice import RECORDED_FACTS, choose_path
from tui_charrnn.training.engine.paths import (
    STEPS_PER_CALL,
    ComputePath,
    RunSize,
    format_device,
    format_differences,
    machine_fingerprint,
)
from tui_charrnn.training.loop import Batch, Material, RunEngine, batch_at
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
from tui_charrnn.training.session import TrainingSession
from tui_charrnn.training.state_file import restore
from tui_charrnn.training.timing import (
    BATCH_GAIN,
    SHARD_GAIN,
    batch_sizes,
    climb,
    largest_batch,
    shard_counts,
    time_batches,
    time_evaluation,
)
from tui_charrnn.training.trial_facts import Trial, TrialSettings, remember_trial

SHARDS_WORTH: float = 120.0
"""Minimum seconds of a run for timing other numbers of shards to be worthwhile."""


@dataclass(frozen=True, slots=True)
class Setup:
    """A run with a batch size, compute path and engine, ready for timing and training."""

    training: TrainingConfig
    material: Material
    path: ComputePath
    engine: RunEngine
    path_record: PathChosen | None
    """The trials on a GPU; None on a CPU."""

    def make_batch(self, step: int) -> Batch:
        """Return the batch of a step."""
        return batch_at(self.material, self.training, step)


class SetupBuilder:
    """Builds a run's engine for a batch size and a number of shards, and plans the run by timing.

    With several processes, the interruption also receives the other processes' reasons to exit.
    """

    def __init__(self, work: Assignment, prepared: Prepared) -> None:
        self._work = work
        self._prepared = prepared
        joint = None if work.peers is None else work.peers.hardware
        if joint is None:
            threads, batch_size = prepared.training.threads, prepared.batch_size
            self.device, self._replicas = open_hardware(threads, batch_size, work.devices)
        else:
            self.device, self._replicas, _ = joint
        self.replica_count: Final = 1 if self._replicas is None else self._replicas.count
        """Number of devices in all processes."""
        self._check_cancelled: Final = work.interruption.check_cancelled
        self._recorded = recorded_path(prepared)

    def build(self, training: TrainingConfig, shards: int = 0) -> Setup:
        """Build the engine with the compute path of the run's start or of the first build.

        `shards` is the number of shards on a CPU; 0 for the default.
        """
        prepared, model = self._prepared, self._work.description.model
        material = cut_material(prepared.text, training)
        batch_size = material.batch_size
        is_gpu, rows = self.device.is_gpu, batch_size // self.replica_count
        tried = rows if is_gpu else batch_size
        size = RunSize(len(prepared.text.vocabulary), tried, len(prepared.text.training))
        choice = choose_path(
            self.device, model, training, size, self._recorded, self._check_cancelled
        )
        path = choice.path
        self._recorded = path.facts()
        if self._replicas is not None:
            path = replace(path, steps_per_call=STEPS_PER_CALL)
            shards = shard_count(thread_count(training.threads), rows)
        if shards and not is_gpu:
            path = replace(path, shards=shards)
        sizes = len(prepared.text.vocabulary), batch_size
        if self._replicas is None:
            alone = choice.engine or Engine(model, training, *sizes, path)
            return Setup(training, material, path, alone, choice.record)
        engine = ReplicatedEngine(model, training, *sizes, path, self._replicas)
        if self._work.peers is not None:
            engine.share_reasons(self._work.interruption)
            self._work.peers.begin(engine, path, training)
        return Setup(training, material, path, engine, choice.record)

    def rebuild(self) -> Setup:
        """Rebuild the engine of a resumed run, or of one that crashed before a checkpoint."""
        training = self._prepared.training
        setup = self.build(
            training, recorded_shards(self._prepared, thread_count(training.threads))
        )
        self._report_device(setup)
        return setup

    def plan_run(self) -> tuple[Setup, RunPlanned]:
        """Choose batch size, shards and number of steps once for a run, and record them."""
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
        if self._replicas is None:
            finer = self._choose_shards(setup, plan.total_steps * seconds)
            if finer is not setup:
                setup = finer
                seconds, plan = self._time(setup)
            self._remember(seconds, setup)  # estimates are for one device
        planned = RunPlanned(
            total_steps=plan.total_steps,
            steps_per_epoch=plan.steps_per_epoch,
            evaluate_every=plan.evaluate_every,
            batch_size=setup.material.batch_size,
            seconds_per_step=seconds,
            precision=setup.path.precision,
            bound=plan.bound,
            learning_rate=None if chosen is None else chosen.learning_rate,
            shards=0 if setup.path.is_gpu else setup.path.shards,
            early_evaluations=plan.early_evaluations,
            is_adaptive=plan.is_adaptive,
        )
        writer.append(planned)
        return setup, planned

    def _choose_batch_size(self) -> tuple[Setup, BatchSizeChosen]:
        """Time batch sizes from the configured one upwards; return the largest that is faster."""
        training, first, speed = self._prepared.training, self._prepared.batch_size, 0.0

        def time_one(size: int) -> tuple[Setup, float]:
            nonlocal speed
            if size > first:
                _refuse_more_than_memory()
            setup = self.build(with_batch_size(training, size, size / first))
            speed = self._measure_speed(setup)
            return setup, speed

        def find_largest() -> int:
            return largest_batch(training, len(self._prepared.text.training), speed)

        found = climb(batch_sizes(first, find_largest), time_one, BATCH_GAIN)
        chosen = BatchSizeChosen(
            batch_size=found.chosen.training.batch_size,
            learning_rate=found.chosen.training.learning_rate,
            tried=tuple(found.speeds),
            characters_per_second=tuple(round(each, 1) for each in found.speeds.values()),
            failure=found.failure,
        )
        return found.chosen, chosen

    def _choose_shards(self, setup: Setup, seconds: float) -> Setup:
        """Time a batch on the CPU in more and more shards; return the most that are faster.

        A short run of `seconds` is not worth it. On two cores the default of 16 streams per shard
        was measured as the best.
        """
        threads = thread_count(setup.training.threads)
        counts = shard_counts(threads, setup.material.batch_size, setup.path.shards)
        if setup.path.is_gpu or threads <= 2 or seconds < SHARDS_WORTH or len(counts) < 2:
            return setup

        def time_one(shards: int) -> tuple[Setup, float]:
            one = setup if shards == setup.path.shards else self.build(setup.training, shards)
            return one, self._measure_speed(one)

        return climb(counts, time_one, SHARD_GAIN).chosen

    def _measure_speed(self, setup: Setup) -> float:
        """Return characters per second from a few batches."""
        seconds = time_batches(setup.engine, setup.make_batch, self._check_cancelled)
        return setup.material.batch_size * setup.training.sequence_length / seconds

    def _time(self, setup: Setup) -> tuple[float, Plan]:
        """Return the seconds per step, and the plan based on them."""
        config, material, check = setup.training, setup.material, self._check_cancelled
        seconds = time_batches(setup.engine, setup.make_batch, check, run_time=config.train_time)
        if config.train_time is None:
            return seconds, plan_by_count(config, material.streams.steps_per_epoch)
        evaluation = time_evaluation(setup.engine, material, check)
        return seconds, plan_by_time(config, material.streams.steps_per_epoch, seconds, evaluation)

    def _report_device(self, setup: Setup) -> None:
        writer, count = self._work.writer, self.replica_count
        device = format_device(setup.path.device, thread_count(setup.training.threads))
        device = f"{count} x {device}" if count > 1 else device
        writer.set_status(device=device, precision=setup.path.precision, message="")
        if setup.path_record is not None:
            for trial in setup.path_record.trials:
                if trial.failure:
                    way = format_way(trial)
                    writer.warn(f"Not computed by {way}, which fails here: {trial.failure}")
            writer.append(setup.path_record)

    def _remember(self, seconds: float, setup: Setup) -> None:
        """Cache the measurement for estimates of similar runs."""
        description, text = self._work.description, self._prepared.text
        config, path = setup.training, setup.path
        trial = Trial(
            seconds_per_step=seconds,
            memory=resident_memory(),  # not the peak, which may come from counting n-grams
            device=format_device(path.device, thread_count(config.threads)),
            precision=path.precision,
            batch_size=setup.material.batch_size,
        )
        sizes = len(text.vocabulary), len(text.training)
        remember_trial(trial, TrialSettings(description.model, config, *sizes))


def recorded_shards(prepared: Prepared, threads: int) -> int:
    """Return the run's recorded number of shards if it fits the number of threads, else 0."""
    if prepared.state is not None:
        then = prepared.state.fingerprint
        recorded = then.get("shards", "") if then.get("threads") == str(threads) else ""
        return int(recorded) if recorded.isdigit() else 0
    planned = prepared.history.planned
    return planned.shards if planned is not None and planned.shards <= threads else 0


def recorded_path(prepared: Prepared) -> Mapping[str, str]:
    """Return the known `ComputePath.facts` of an earlier trainer of the run."""
    if prepared.state is not None:
        return prepared.state.fingerprint
    # without a checkpoint, an earlier trainer may still have planned the run
    chosen, planned = prepared.history.chosen, prepared.history.planned
    if chosen is not None:
        return {name: getattr(chosen, name) for name in RECORDED_FACTS}
    return {} if planned is None else {"precision": planned.precision}


def _refuse_more_than_memory() -> None:
    """Raise `MemoryError` if a larger batch may not fit: the system would kill the process.

    Twice the batch size needs at most twice this process's peak memory.
    """
    available = examine_machine().available
    if available is not None and available < peak_memory():
        raise MemoryError


_TRYING: Final = "Testing which ways to compute are correct on this GPU, and which is the fastest."
_COMPILING: Final = (
    f"{_TRYING} TensorFlow's package has no code for this GPU: the first start compiles it, for "
    "minutes. To keep the result, set CUDA_CACHE_PATH to a permanent folder."
)


def start_session(work: Assignment, prepared: Prepared) -> TrainingSession:
    """Build the engine, restore it or plan the run, and return the session.

    Raises:
        ConfigError: If the devices or processes cannot train it together.
        BrokenClusterError: If another process does not connect or is lost.
        RunError: If the checkpoint does not fit the run.
        LeavingError: If there is a reason to exit before the first step.
    """
    work.interruption.check_cancelled()
    if work.peers is not None:
        refuse_automatic_batch(work.description.training, work.peers.task.cluster.size)
    config, seconds = prepared.training, None
    builder = SetupBuilder(work, prepared)
    if builder.device.is_gpu:
        work.writer.set_status(message=_TRYING if builder.device.taken.has_code else _COMPILING)
    if prepared.checkpoint is not None and prepared.state is not None:
        state, setup = prepared.state, builder.rebuild()
        restore(setup.engine, prepared.checkpoint, state)
        plan = state.plan
    else:
        setup, planned = builder.plan_run()
        seconds, plan = planned.seconds_per_step, recorded_plan(planned)
        take_initial_weights(setup.engine, work.run, work.description)
    prepared.history.replan(plan, prepared.progress.step)
    fingerprint = machine_fingerprint(setup.path, thread_count(config.threads))
    count = builder.replica_count
    fingerprint |= {"replicas": str(count)} if count > 1 else {}
    if prepared.state is not None:
        one = {"replicas": "1"}  # default if not recorded
        if changes := format_differences(one | dict(prepared.state.fingerprint), one | fingerprint):
            work.writer.warn(f"Resuming, but not bit-identical to an uninterrupted run: {changes}.")
    return TrainingSession(
        RunContext(
            run=work.run,
            description=replace(work.description, training=setup.training),
            vocabulary=prepared.text.vocabulary,
            plan=plan,
            material=setup.material,
            best_baseline=prepared.best_baseline,
            fingerprint=fingerprint,
            seconds_per_step=seconds,
            engine=setup.engine,
            progress=prepared.progress,
            history=prepared.history,
            writer=work.writer,
            interruption=work.interruption,
        )
    )
