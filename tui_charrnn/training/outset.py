"""How a run begins: settings, material and engine, with what is chosen for it by timing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from tui_charrnn.config import TrainingConfig
from tui_charrnn.runs.description import RunDescription
from tui_charrnn.runs.records import BatchSizeChosen, PathChosen
from tui_charrnn.training.batch_choice import (
    BATCH_GAIN,
    SHARD_GAIN,
    Climb,
    Timed,
    batch_sizes,
    climb,
    largest_batch,
    shard_counts,
    with_batch_size,
)
from tui_charrnn.training.context import RunEngine
from tui_charrnn.training.distributed.replicas import Hardware
from tui_charrnn.training.distributed.replicated_engine import ReplicatedEngine
from tui_charrnn.training.distributed.roles import Peers
from tui_charrnn.training.engine.engine import Engine
from tui_charrnn.training.engine.path_choice import RECORDED_FACTS, choose_path
from tui_charrnn.training.engine.paths import ComputePath, RunSize
from tui_charrnn.training.interruption import Interruption
from tui_charrnn.training.loop import Material
from tui_charrnn.training.machine.hardware import examine_machine, shard_count, thread_count
from tui_charrnn.training.machine.usage import peak_memory
from tui_charrnn.training.material import cut_material
from tui_charrnn.training.preparation import Prepared
from tui_charrnn.training.timing import time_batches

SHARDS_WORTH: float = 120.0
"""Seconds from which on a run is worth the few that it takes to time other numbers of shards."""


@dataclass(frozen=True, slots=True)
class Outset:
    """A run with a batch size and a way to compute it, ready to be timed and trained."""

    training: TrainingConfig
    material: Material
    batch_size: int
    path: ComputePath
    engine: RunEngine
    path_record: PathChosen | None
    """What was tried on a GPU; None on a processor."""


class OutsetBuilder:
    """Builds a run's engine, for the batch sizes and shards that are wanted.

    Args:
        description: Of the run.
        prepared: Its text, and what earlier trainers settled.
        hardware: What it is computed on.
        peers: The other processes, if there are any.
        interruption: Takes up their reasons to leave.
    """

    def __init__(
        self,
        description: RunDescription,
        prepared: Prepared,
        hardware: Hardware,
        peers: Peers | None,
        interruption: Interruption,
    ) -> None:
        self._description = description
        self._prepared = prepared
        self.device: Final = hardware.device
        self._replicas = hardware.replicas
        self._peers = peers
        self._interruption = interruption
        self._begun = recorded_path(prepared)

    @property
    def is_alone(self) -> bool:
        """Whether one device of one process computes."""
        return self._replicas is None

    @property
    def replica_count(self) -> int:
        """Devices that compute, of all processes together."""
        return 1 if self._replicas is None else self._replicas.count

    def build(
        self,
        training: TrainingConfig,
        check_cancelled: Callable[[], None],
        shards: int = 0,
    ) -> Outset:
        """Build the engine, by what the run was begun with or was built with first.

        Args:
            training: Settings, with the batch size that is wanted.
            check_cancelled: Called while ways to compute are tried; it raises to give that up.
            shards: Parts of a batch on a processor; 0 takes as many as pay on two cores.
        """
        prepared, model = self._prepared, self._description.model
        material, batch_size = cut_material(prepared.text, training)
        rows = batch_size // self.replica_count if self.device.is_gpu else batch_size
        size = RunSize(len(prepared.text.vocabulary), rows, len(prepared.text.training))
        choice = choose_path(self.device, model, training, size, self._begun, check_cancelled)
        path = choice.path
        self._begun = path.facts()
        if self._replicas is not None:
            rows = batch_size // self._replicas.count
            count = shard_count(thread_count(training.threads), rows)
            path = replace(path, shards=1 if self.device.is_gpu else count)
        elif shards and not self.device.is_gpu:
            path = replace(path, shards=shards)
        engine: RunEngine | None = choice.engine if self.is_alone else None
        if engine is None:
            engine = self._engine(training, batch_size, path)
        return Outset(training, material, batch_size, path, engine, choice.record)

    def _engine(self, training: TrainingConfig, batch_size: int, path: ComputePath) -> RunEngine:
        """The engine of this process, or this process's part of one."""
        sizes = len(self._prepared.text.vocabulary), batch_size
        if self._replicas is None:
            return Engine(self._description.model, training, *sizes, path)
        engine = ReplicatedEngine(self._description.model, training, *sizes, path, self._replicas)
        if self._peers is not None:
            engine.share_reasons(self._interruption)
            self._peers.begin(engine, path, training)
        return engine


def recorded_shards(prepared: Prepared, threads: int) -> int:
    """The parts of a batch that a run was begun with, if it has as many threads as then; or 0.

    Args:
        prepared: The run.
        threads: Those that it has now.
    """
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


def choose_batch_size(
    builder: OutsetBuilder, prepared: Prepared, check_cancelled: Callable[[], None]
) -> tuple[Outset, BatchSizeChosen]:
    """Time one batch size after another, and take the largest that still pays.

    Args:
        builder: Of the engines.
        prepared: The run, whose settings say where the search begins.
        check_cancelled: Called between any two batches; it raises to give it up.
    """
    training, first = prepared.training, prepared.batch_size
    length, speeds = training.sequence_length, [0.0]

    def time_one(size: int) -> Timed[Outset]:
        _refuse_more_than_memory(size > first)
        outset = builder.build(with_batch_size(training, size, size / first), check_cancelled)
        speeds.append(size * length / _time_shortly(outset, check_cancelled))
        return Timed(size, speeds[-1], outset)

    def find_largest() -> int:
        return largest_batch(training, len(prepared.text.training), speeds[-1])

    sizes = batch_sizes(first, find_largest)
    found = climb(sizes, time_one, BATCH_GAIN)
    chosen = BatchSizeChosen(
        batch_size=found.taken.number,
        learning_rate=found.taken.made.training.learning_rate,
        tried=tuple(number for number, _ in found.tried),
        characters_per_second=tuple(round(speed, 1) for _, speed in found.tried),
        failure=found.failure,
    )
    return found.taken.made, chosen


def choose_shards(
    builder: OutsetBuilder, outset: Outset, check_cancelled: Callable[[], None]
) -> Climb[Outset]:
    """Time a batch in more and more parts, and take the most that still pay.

    Args:
        builder: Of the engines.
        outset: The run as it would be trained without this, on a processor.
        check_cancelled: As for `choose_batch_size`.
    """
    training, size = outset.training, outset.batch_size
    threads = thread_count(training.threads)

    def time_one(shards: int) -> Timed[Outset]:
        is_same = shards == outset.path.shards
        one = outset if is_same else builder.build(training, check_cancelled, shards)
        characters = size * training.sequence_length
        return Timed(shards, characters / _time_shortly(one, check_cancelled), one)

    return climb(shard_counts(threads, size, outset.path.shards), time_one, SHARD_GAIN)


def has_shards_to_choose(outset: Outset, seconds_per_step: float, total_steps: int) -> bool:
    """Whether a run's batch could be cut finer, and the run is long enough to find out.

    On two cores there is nothing to find out: parts of 16 streams are what was measured there.
    """
    threads = thread_count(outset.training.threads)
    is_worth_it = total_steps * seconds_per_step >= SHARDS_WORTH
    counts = shard_counts(threads, outset.batch_size, outset.path.shards)
    return threads > 2 and is_worth_it and outset.path.device == "CPU" and len(counts) > 1


def _time_shortly(outset: Outset, check_cancelled: Callable[[], None]) -> float:
    """Seconds per step from a few batches, also of a run that would spend long on timing."""
    brief = replace(outset.training, epochs=None, train_time=None, steps=1)
    return time_batches(outset.engine, outset.material, brief, check_cancelled)


def _refuse_more_than_memory(is_larger: bool) -> None:
    """Refuse a larger batch that may not fit: the system would end this process, not refuse.

    Twice the batch takes twice what this process has at most, where it is all of a batch.

    Raises:
        MemoryError: If less than that is free.
    """
    available = examine_machine().available
    if is_larger and available is not None and available < peak_memory():
        raise MemoryError
