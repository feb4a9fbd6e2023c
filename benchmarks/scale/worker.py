"""One worker: takes steps of the program's own engine on random text, then takes means.

Usage: python -m benchmarks.scale.worker JSON, a `Task`; prints a `Measured`.
"""

import sys
import time
from typing import Final

import numpy as np

from benchmarks.scale.task import Measured, Task
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import ExitCode
from tui_charrnn.training.distributed.coordination import Replicas, open_joint_hardware
from tui_charrnn.training.distributed.placement import Cluster, JointTask
from tui_charrnn.training.distributed.replicated_engine import ReplicatedEngine
from tui_charrnn.training.engine.engine import Engine
from tui_charrnn.training.engine.path_choice import choose_path
from tui_charrnn.training.engine.paths import RunSize
from tui_charrnn.training.interruption import Interruption
from tui_charrnn.training.loop import Batch

_FIRST_STEPS: Final = 5
"""In which programs are traced and compiled."""
_MEANS: Final = 15
_FIRST_MEANS: Final = 3
_LONG_RUN: Final = 10**9
"""Characters: so many that compiling is worth while."""


def measure(task: Task) -> Measured:
    """Do what one worker has to."""
    size, workers = task.size, len(task.addresses)
    training = TrainingConfig.from_mapping({
        "batch_size": size.batch_size * workers,
        "sequence_length": size.sequence_length,
        "steps": 10**9,
        "threads": task.threads,
    })
    model = ModelConfig(
        embedding_size=size.embedding_size,
        hidden_size=size.hidden_size,
        layer_count=size.layer_count,
    )
    cluster = Cluster(task.rank, workers, task.addresses)
    joint = JointTask(cluster=cluster, threads=task.threads, batch_size=size.batch_size * workers)
    device, replicas, _ = open_joint_hardware(joint)
    run = RunSize(task.vocabulary_size, size.batch_size, _LONG_RUN)
    path = choose_path(device, model, training, run).path
    shape = (model, training, task.vocabulary_size, size.batch_size * workers, path)
    engine = Engine(*shape) if workers == 1 else ReplicatedEngine(*shape, replicas)
    parameters = sum(each.size for each in engine.model_tensors().values())
    batch = _random_batch(task, size.batch_size * workers)
    steps: tuple[float, ...] = ()
    if isinstance(engine, ReplicatedEngine) and task.rank:
        engine.follow(lambda _: batch, Interruption())
    else:
        steps = _time_steps(engine, batch, task.steps)
    if isinstance(engine, ReplicatedEngine) and not task.rank:
        engine.end(ExitCode.OK)
    means = {count: _time_means(replicas, count) for count in (*task.reduced, 4 * parameters)}
    return Measured(4 * parameters, steps, means, path.facts())


def _random_batch(task: Task, streams: int) -> Batch:
    shape = (streams, task.size.sequence_length + 1)
    text = np.random.default_rng(7).integers(0, task.vocabulary_size, shape, dtype=np.int32)
    return Batch(text[:, :-1], text[:, 1:], np.ones(streams, np.float32))


def _time_steps(engine: Engine | ReplicatedEngine, batch: Batch, steps: int) -> tuple[float, ...]:
    taken = []
    for number in range(1, _FIRST_STEPS + steps + 1):
        began = time.perf_counter()
        engine.train_batches([batch], number, [1e-3])
        taken.append(time.perf_counter() - began)
    return tuple(taken[_FIRST_STEPS:])


def _time_means(replicas: Replicas, size: int) -> tuple[float, ...]:
    vector = np.random.default_rng(0).random(max(1, size // 4), np.float32)
    taken = []
    for _ in range(_FIRST_MEANS + _MEANS):
        began = time.perf_counter()
        replicas.sum(vector)
        taken.append(time.perf_counter() - began)
    return tuple(taken[_FIRST_MEANS:])


if __name__ == "__main__":
    print(measure(Task.from_json(sys.argv[1])).to_json(), flush=True)
