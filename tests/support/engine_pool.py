"""Engines that are traced once in a process, and lent out again as if they were new.

with engines.lent():
    run_training(run, interruption)      # takes its engines from the pool
engine = engines.take(model, training, vocabulary_size, batch_size)

To trace an engine takes a second, all that a small run computes a tenth of one.
`tests/training/engine/test_engine_state.py` proves that an engine that was reset is a new one.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from tui_charrnn.config import ModelConfig, TrainingConfig

if TYPE_CHECKING:  # it loads TensorFlow
    from tui_charrnn.training.engine.engine import Engine
    from tui_charrnn.training.loop import Batch, BatchResult


def take_step(engine: "Engine", batch: "Batch", step: int, learning_rate: float) -> "BatchResult":
    """Take one step."""
    (result,) = engine.train_batches([batch], step, [learning_rate])
    return result


READ_BY_ENGINES: Final = (
    *("end_index", "sequence_length", "rng_seed", "optimizer", "weight_decay"),
    *("second_moment_decay", "average_decay", "gradient_norm_limit"),
    *("dropout", "recurrent_weight_dropout"),
)
"""What an engine reads of a `TrainingConfig`; all else is read by the loop around it."""


class EnginePool:
    """Engines by what they compute; each is lent out once at a time."""

    def __init__(self) -> None:
        self._free: defaultdict[Hashable, list[Engine]] = defaultdict(list)
        self._taken: list[tuple[Hashable, Engine]] = []

    def take(self, *arguments: Any) -> "Engine":
        """An engine in the state before its first step; the arguments are those of `Engine`."""
        key = _key_of(*arguments)
        if self._free[key]:
            engine = self._free[key].pop(0)
            engine.reset()
        else:
            engine = type.__call__(_pooled_class(), *arguments)
        self._taken.append((key, engine))
        return engine

    @contextmanager
    def returned(self) -> Iterator[None]:
        """Take back, at the end, what is lent out meanwhile."""
        kept = len(self._taken)
        try:
            yield
        finally:
            for key, engine in self._taken[kept:]:
                self._free[key].append(engine)
            del self._taken[kept:]

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Let the runs that are trained in this process meanwhile take their engines here."""
        from tui_charrnn.training import start

        with self.returned(), patch.object(start, "Engine", _pooled_class()):
            yield


class _Pooled(type):
    def __call__(cls, *arguments: Any) -> Any:
        return engines.take(*arguments)


@cache
def _pooled_class() -> Any:
    from tui_charrnn.training.engine.engine import Engine

    class PooledEngine(Engine, metaclass=_Pooled):
        """An engine that comes from the pool wherever one is made."""

    return PooledEngine


def _key_of(model: ModelConfig, training: TrainingConfig, *others: Hashable) -> Hashable:
    """What two engines have in common that are the same until their first step."""
    return (model, *(getattr(training, name) for name in READ_BY_ENGINES), *others)


engines: Final = EnginePool()
