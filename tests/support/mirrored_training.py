"""Trains on a processor that is split into logical devices, in a process of its own.

How many devices TensorFlow sees is settled with its first operation, so no test process can do it.

python -m tests.support.mirrored_training        # prints one JSON object of what `measure` found
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Final

import numpy as np
import tensorflow as tf

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.text.batches import ContiguousStreams, HeldOutWindows
from tui_charrnn.training.distributed.coordination import Replicas
from tui_charrnn.training.distributed.replicated_engine import ReplicatedEngine
from tui_charrnn.training.engine.engine import Engine
from tui_charrnn.training.engine.paths import ComputePath
from tui_charrnn.training.loop import BatchResult, Material, batch_at

V, B, T, STEPS, HALF = 11, 8, 5, 40, 15
MODEL: Final = ModelConfig(embedding_size=3, hidden_size=7, layer_count=1)
TRAINING: Final = TrainingConfig(
    steps=STEPS,
    batch_size=B,
    sequence_length=T,
    gradient_norm_limit=0.1,  # below nearly all norms
    average_decay=0.9,
    dropout=0.0,
    cold_start_fraction=0.2,
)
TEXT: Final = np.random.default_rng(0).integers(0, V, 1500).astype(np.int32)
MATERIAL: Final = Material(
    ContiguousStreams(TEXT, batch_size=B, sequence_length=T, rng_seed=1), heldout=()
)
HELD_OUT: Final = HeldOutWindows(TEXT[:99], stream_count=2, sequence_length=T)


CALLS: Final = (3, 1, 4)
"""Steps of each call of several."""
CALLED: Final = ComputePath("GPU", steps_per_call=max(CALLS))
"""A path of several steps per call, which several devices of a process need."""


def replicated(
    training: TrainingConfig = TRAINING, path: ComputePath = CALLED, model: ModelConfig = MODEL
) -> ReplicatedEngine:
    """An engine on two logical devices."""
    return ReplicatedEngine(model, training, V, B, path, _replicas())


@cache
def _replicas() -> Replicas:
    return Replicas(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))


def train(
    engine: Engine | ReplicatedEngine, steps: Sequence[int], training: TrainingConfig = TRAINING
) -> Iterator[BatchResult]:
    """Take some steps."""
    for step in steps:
        yield from engine.train_batches([batch_at(MATERIAL, training, step)], step, [0.01])


def measure() -> dict[str, Any]:
    """Losses and norms of one device and of several, and of what they went on with."""
    first, second = range(1, HALF + 1), range(HALF + 1, STEPS + 1)
    one, two = Engine(MODEL, TRAINING, V, B), replicated()
    found: dict[str, Any] = {"one": list(train(one, [*first, *second]))}
    begun = list(train(two, first))
    saved = two.model_tensors(), two.training_tensors()
    found["two"] = begun + list(train(two, second))
    found["states"] = {name: len(saved[1][name]) for name in saved[1] if name.startswith("state")}
    one.restore(*saved)
    found["one_again"] = begun + list(train(one, second))
    found["held_out"] = [each.evaluate(HELD_OUT, lambda: False) for each in (two, one)]
    compiled = replicated(path=replace(CALLED, is_compiled=True))
    found["compiled"] = list(train(compiled, [*first, *second]))
    found["alike"] = [are_alike(two)]
    weights = two.model_tensors()
    weights["output.bias"][3] = np.nextafter(weights["output.bias"][3], np.float32(9))
    two._engines[1].restore(weights, two._engines[1].training_tensors())
    found["alike"].append(are_alike(two))
    two.training_tensors()
    found["alike"].append(are_alike(two))
    noisy = TrainingConfig(**{**TRAINING.to_mapping(), "dropout": 0.4})
    cut = ComputePath("GPU", shards=2)
    found["dropping"] = list(train(Engine(MODEL, noisy, V, B, cut), first, noisy))
    found["dropping_on_two"] = list(train(replicated(noisy), first, noisy))
    both = replace(MODEL, direction="both")
    found["both"] = list(train(Engine(both, TRAINING, V, B), first))
    found["both_on_two"] = list(train(replicated(model=both), first))
    broken = two.training_tensors()
    broken["trained.output.bias"] = np.full(V, np.nan, np.float32)
    two.restore(two.model_tensors(), broken)
    before = two.training_tensors()
    found["not_finite"] = repr(next(iter(train(two, [STEPS + 1]))).loss)
    after = two.training_tensors()
    found["states_stay"] = all(
        np.array_equal(before[name], after[name]) for name in before if name.startswith("state.")
    )
    return found | measure_calls()


def measure_calls() -> dict[str, Any]:
    """What calls of several steps on two devices make of some steps, and calls of one step."""
    noisy = TrainingConfig(**{
        **TRAINING.to_mapping(),
        "dropout": 0.4,
        "recurrent_weight_dropout": 0.2,
        "average_decay": None,
        "optimizer": "adam",
    })
    several, single = replicated(noisy), replicated(noisy)
    results = take_calls(several, CALLS, noisy)
    found: dict[str, Any] = {
        "calls": results,
        "calls_singly": list(train(single, range(1, len(results) + 1), noisy)),
        "calls_apart": largest_difference(tensors_of(several), tensors_of(single)),
        "calls_alike": are_alike(several),
        "calls_newest": several.newest_step,
        "calls_traced": several._multi_step._run.experimental_get_tracing_count(),
    }
    # the second step throws the weights so far that nothing can be computed with them
    rates = [0.01, 3e38, 0.01, 0.01]
    several.reset()  # it is traced
    take_calls(several, [2], noisy, rates)
    good = tensors_of(several)
    several.reset()
    failed = take_calls(several, [4], noisy, rates)
    return found | {
        "failing": [each.loss for each in failed],
        "failing_apart": largest_difference(tensors_of(several), good),
        "failing_newest": several.newest_step,
    }


def take_calls(
    engine: ReplicatedEngine,
    calls: Sequence[int],
    training: TrainingConfig,
    rates: Sequence[float] = (0.01,) * sum(CALLS),
) -> list[BatchResult]:
    """Take so many steps in each call."""
    results: list[BatchResult] = []
    for count in calls:
        first = len(results) + 1
        batches = [batch_at(MATERIAL, training, step) for step in range(first, first + count)]
        results += engine.train_batches(batches, first, rates[first - 1 : first - 1 + count])
    return results


def are_alike(engine: ReplicatedEngine) -> bool:
    """Whether all devices hold the same weights to the bit."""
    held = [each.model_tensors() for each in engine._engines]
    return all(largest_difference(held[0], each) == 0.0 for each in held[1:])


def tensors_of(engine: ReplicatedEngine) -> dict[str, Any]:
    """Weights, moments and states."""
    return {**engine.model_tensors(), **engine.training_tensors()}


def largest_difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """Of two sets of tensors; those that are alike to the bit do not differ."""
    return max(
        0.0 if each.tobytes() == other[name].tobytes() else float(np.abs(each - other[name]).max())
        for name, each in one.items()
    )


if __name__ == "__main__":
    split = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], split)
    sys.stdout.write(json.dumps(measure()) + "\n")
