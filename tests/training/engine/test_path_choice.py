"""On a GPU the compute paths are tried: wrong ones are rejected, the fastest right one is chosen.

A processor stands for the GPU, with cuDNN in NumPy; what is fastest is decided by the test.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any, Final

import pytest

from tests.support.cudnn import put_in_place
from tests.support.engine_pool import EnginePool, engines
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.training.loop import BatchResult
from tui_charrnn.training.nvidia import Gpu

pytestmark = pytest.mark.tensorflow

V, B = 5, 3
MODEL = ModelConfig(embedding_size=2, hidden_size=3)
TRAINING = TrainingConfig(batch_size=B, sequence_length=4, steps=9, dropout=0.3)
REFERENCE = "handwritten none float32"
CUDNN, OWN = "cudnn none float32", "handwritten none bfloat16"
Way = tuple[Any, ...]  # layers, whether XLA compiles, precision


@pytest.fixture(autouse=True)
def few_ways(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Three of them, cuDNN the fastest by what the clock says, and time for all.

    Engines are traced once for all tests, those of a cuDNN that is wrong once for each mistake.
    """
    from tui_charrnn.training.engine import path_choice

    monkeypatch.setattr(path_choice, "TRIAL_BUDGET", math.inf)
    # what a dropped way leaves goes through all objects of the process: that takes a second here
    monkeypatch.setattr(path_choice, "gc", SimpleNamespace(collect=lambda: None))
    monkeypatch.setattr(path_choice, "Engine", engines.take)
    set_ways(monkeypatch, ("cudnn", False, "float32"), ("handwritten", False, "bfloat16"))
    set_times(monkeypatch, {CUDNN: 0.001, OWN: 0.002})
    put_in_place(monkeypatch)
    with ExitStack() as stack:
        for pool in (engines, *BROKEN.values()):
            stack.enter_context(pool.returned())
        yield


def break_cudnn(monkeypatch: pytest.MonkeyPatch, distort: Callable[[Any], Any]) -> None:
    """Make cuDNN's gradient wrong."""
    from tui_charrnn.training.engine import path_choice

    def build(*arguments: Any) -> Any:
        return (BROKEN[distort] if arguments[-1].layers == "cudnn" else engines).take(*arguments)

    put_in_place(monkeypatch, distort)
    monkeypatch.setattr(path_choice, "Engine", build)


def set_ways(monkeypatch: pytest.MonkeyPatch, *ways: Way) -> None:
    from tui_charrnn.training.engine import paths

    monkeypatch.setattr(paths, "GPU_PATHS", [paths.ComputePath("GPU", *way) for way in ways])


def set_times(monkeypatch: pytest.MonkeyPatch, seconds: Mapping[str, float]) -> None:
    from tui_charrnn.training.engine.path_choice import PathTester

    monkeypatch.setattr(
        PathTester, "_time", lambda _, engine: seconds.get(name_of(engine._path.facts()), 1.0)
    )


def name_of(facts: Mapping[str, str]) -> str:
    return " ".join(facts[name] for name in ("layers", "compiler", "precision"))


def choose(begun: Mapping[str, str] | None = None, **settings: Any) -> Any:
    from tui_charrnn.training.engine.path_choice import choose_path
    from tui_charrnn.training.engine.paths import Device, RunSize

    training = TrainingConfig.from_mapping(TRAINING.to_mapping() | settings)
    device = Device((Gpu("Some GPU", "9.0"),))
    return choose_path(device, MODEL, training, RunSize(V, B, 1000), begun)


def tried(choice: Any) -> list[tuple[str, str]]:
    """Return each trial's path, and why it was rejected."""
    return [
        (f"{trial.layers} {trial.compiler} {trial.precision}", trial.failure)
        for trial in choice.trials
    ]


def test_the_fastest_is_chosen_and_all_are_reported() -> None:
    choice = choose()
    assert name_of(choice.path.facts()) == CUDNN
    assert tried(choice) == [(REFERENCE, ""), (CUDNN, ""), (OWN, "")]
    times = [trial.seconds_per_step for trial in choice.trials]
    assert times == [1.0, 0.001, 0.002]
    assert [trial.difference < 0.02 for trial in choice.trials] == [True] * 3
    assert "3 ways" in choice.reasons["layers"]
    assert set(choice.reasons) == set(choice.path.facts())


def test_the_engine_that_was_tried_begins_where_a_run_does() -> None:
    from tui_charrnn.training.engine.network import initial_tensors

    engine = choose().engine
    for name, values in initial_tensors(MODEL, V, TRAINING.rng_seed).items():
        assert (engine.model_tensors()[name] == values).all()
    assert not any(values.any() for values in engine.training_tensors().values())
    assert engine.newest_step == 0


def twisted(gradient: Any) -> Any:
    """The same numbers at other positions, as if two gates were exchanged."""
    import tensorflow as tf

    return tf.roll(gradient, 9, axis=0)


def nowhere(gradient: Any) -> Any:
    return gradient * float("nan")


BROKEN: Final[dict[Callable[[Any], Any], EnginePool]] = {
    twisted: EnginePool(),
    nowhere: EnginePool(),
}
"""Engines whose cuDNN makes that mistake."""


@pytest.mark.parametrize(
    ("distort", "words"),
    [
        (twisted, "away from the reference's"),
        (nowhere, "the norm of its gradient nan"),
    ],
)
def test_a_way_with_a_wrong_gradient_is_dropped(
    monkeypatch: pytest.MonkeyPatch, distort: Callable[[Any], Any], words: str
) -> None:
    break_cudnn(monkeypatch, distort)
    choice = choose()
    assert name_of(choice.path.facts()) == OWN
    (_, reference), (_, failure), (_, other) = tried(choice)
    assert (reference, other) == ("", "")
    assert words in failure
    assert "gradient" in failure


def test_a_way_that_raises_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow as tf

    from tui_charrnn.training.engine import path_choice
    from tui_charrnn.training.engine.engine import Engine

    def refuse(**_: Any) -> None:
        raise tf.errors.UnimplementedError(None, None, "no such kernel\nwith details")

    def build(*arguments: Any) -> Any:
        return (Engine if arguments[-1].layers == "cudnn" else engines.take)(*arguments)

    monkeypatch.setattr(path_choice, "Engine", build)
    monkeypatch.setattr(tf.raw_ops, "CudnnRNNV2", refuse)
    choice = choose()
    assert name_of(choice.path.facts()) == OWN
    assert tried(choice)[1] == (CUDNN, "UnimplementedError: no such kernel")


def test_where_nothing_else_works_the_reference_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    set_ways(monkeypatch, ("cudnn", False, "float32"))
    break_cudnn(monkeypatch, nowhere)
    choice = choose(precision="auto")
    assert name_of(choice.path.facts()) == REFERENCE
    assert "no other way" in choice.reasons["layers"]


def test_where_the_reference_fails_the_first_that_works_is_the_reference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tui_charrnn.training.engine.engine import Engine

    taken = Engine.train_batches

    def train_batches(self: Any, *arguments: Any) -> list[BatchResult]:
        if name_of(self._path.facts()) == REFERENCE:
            raise MemoryError("too much")
        return taken(self, *arguments)

    monkeypatch.setattr(Engine, "train_batches", train_batches)
    choice = choose()
    assert name_of(choice.path.facts()) == CUDNN
    assert [failure for _, failure in tried(choice)] == ["MemoryError: too much", "", ""]


def test_only_the_precision_that_is_asked_for_is_tried() -> None:
    choice = choose(precision="bfloat16")
    assert [way for way, _ in tried(choice)] == [REFERENCE, OWN]
    assert name_of(choice.path.facts()) == OWN


def test_a_resume_keeps_the_way_if_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    choice = choose({**dict.fromkeys(("device", "shards"), "Other GPU"), **facts_of(OWN)})
    assert name_of(choice.path.facts()) == OWN
    assert [way for way, _ in tried(choice)] == [REFERENCE, OWN]
    assert "was started with" in choice.reasons["layers"]


def test_a_resume_takes_another_way_of_its_precision_if_it_must(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_ways(
        monkeypatch,
        ("handwritten", False, "bfloat16"),
        ("keras", False, "float32"),
        ("cudnn", False, "float32"),
    )
    break_cudnn(monkeypatch, nowhere)
    choice = choose({"device": "Other GPU", **facts_of(CUDNN)})
    assert name_of(choice.path.facts()) == "keras none float32"
    assert [way for way, _ in tried(choice)] == [
        REFERENCE,
        CUDNN,
        "keras none float32",
    ]


def test_a_run_that_a_processor_began_is_free_to_take_any_way_of_its_precision() -> None:
    choice = choose({"device": "CPU", **facts_of("handwritten xla float32")})
    assert [way for way, _ in tried(choice)] == [REFERENCE, CUDNN]


def facts_of(name: str) -> dict[str, str]:
    return dict(zip(("layers", "compiler", "precision"), name.split(), strict=True))


def test_when_time_is_up_the_fastest_so_far_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    from tui_charrnn.training.engine import path_choice

    monkeypatch.setattr(path_choice, "TRIAL_BUDGET", -1.0)
    choice = choose()
    assert [way for way, _ in tried(choice)] == [REFERENCE, CUDNN]
    assert name_of(choice.path.facts()) == CUDNN


def test_a_request_to_exit_is_noticed_between_two_trials() -> None:
    from tui_charrnn.training.engine.path_choice import choose_path
    from tui_charrnn.training.engine.paths import Device, RunSize

    def check_cancelled() -> None:
        raise KeyboardInterrupt

    device = Device((Gpu("Some GPU", "9.0"),))
    with pytest.raises(KeyboardInterrupt):
        choose_path(device, MODEL, TRAINING, RunSize(V, B, 1000), None, check_cancelled)
