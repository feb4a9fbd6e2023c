"""The choice of a compute path, for simulated devices."""

from typing import Any

import pytest

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.training.nvidia import Gpu

pytestmark = pytest.mark.tensorflow

MODEL = ModelConfig(hidden_size=300)
TRAINING = TrainingConfig(train_time=60.0, batch_size=40, threads=2)


def explain(
    *, cell: str = "lstm", batch_size: int = 40, before: str | None = None, **settings: Any
) -> Any:
    """Return the choice on a CPU."""
    from tui_charrnn.training.engine.path_choice import choose_on_processor
    from tui_charrnn.training.engine.paths import RunSize

    values = {**TRAINING.to_mapping(), **settings}
    if "steps" in settings or "epochs" in settings:
        values["train_time"] = None
    return choose_on_processor(
        ModelConfig(cell=cell, hidden_size=300),
        TrainingConfig.from_mapping(values),
        RunSize(90, batch_size, 500_000),
        before,
    )


def ways(capability: str | None = "9.0", precision: str = "auto", **model: Any) -> list[str]:
    """Return the compute paths of a network on a GPU of a capability."""
    from tui_charrnn.training.engine.paths import Device, gpu_paths

    device = Device((Gpu("Some GPU", capability),))
    paths = gpu_paths(device, ModelConfig(**model), precision)
    assert all((path.device, path.shards) == ("Some GPU", 1) for path in paths)
    return [f"{path.layers} {path.precision}" for path in paths]


@pytest.mark.parametrize(
    ("cell", "layers"),
    [
        ("lstm", ("cudnn", "handwritten", "keras")),
        ("gru", ("cudnn", "handwritten", "keras")),
        ("rnn", ("cudnn", "handwritten")),
    ],
)
def test_a_gpu_has_every_way_for_a_plain_network(cell: str, layers: tuple[str, ...]) -> None:
    assert sorted(ways(cell=cell)) == [
        f"{layer} {precision}" for layer in layers for precision in ("bfloat16", "float32")
    ]


def test_only_ours_know_layer_normalization() -> None:
    assert ways(layer_norm=True) == ["handwritten bfloat16", "handwritten float32"]


@pytest.mark.parametrize(
    ("capability", "precision", "found"),
    [
        ("7.5", "auto", {"float32"}),
        ("8.0", "auto", {"float32", "bfloat16"}),
        (None, "auto", {"float32", "bfloat16"}),
        ("9.0", "float32", {"float32"}),
        ("9.0", "bfloat16", {"bfloat16"}),
    ],
)
def test_a_precision_is_tried_where_it_is_wanted_and_known(
    capability: str | None, precision: str, found: set[str]
) -> None:
    assert {way.split()[1] for way in ways(capability, precision)} == found


def test_a_gpu_takes_many_steps_in_a_call_and_xla_compiles_its_optimizer() -> None:
    from tui_charrnn.training.engine.paths import Device, gpu_paths

    for path in gpu_paths(Device((Gpu("Some GPU", None),)), MODEL, "auto"):
        assert path.steps_per_call > 1
        assert path.has_compiled_update
        assert path.has_compiled_step == (path.layers == "handwritten")


def test_the_precision_is_chosen_for_the_streams_of_a_shard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tui_charrnn.training.engine import path_choice

    asked = []

    def choose(model: ModelConfig, streams: int, _: bool | None) -> tuple[str, str]:
        asked.append((model.cell, model.hidden_size, streams))
        return "bfloat16", "it pays"

    monkeypatch.setattr(path_choice, "choose_precision", choose)
    explained = explain(cell="gru")
    assert asked == [("gru", 300, 20)]
    assert explained.reasons["precision"] == "it pays"
    assert explained.path.facts() == {
        "device": "CPU",
        "layers": "handwritten",
        "compiler": "xla",
        "precision": "bfloat16",
        "shards": "2",
    }


@pytest.fixture
def _nothing_to_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    from tui_charrnn.training.engine import path_choice

    monkeypatch.delattr(path_choice, "choose_precision")


@pytest.mark.usefixtures("_nothing_to_choose")
@pytest.mark.parametrize("asked", ["float32", "bfloat16"])
def test_a_precision_that_is_asked_for_is_taken(asked: str) -> None:
    explained = explain(precision=asked)
    assert explained.path.precision == asked
    assert "the settings ask for it" in explained.reasons["precision"]


@pytest.mark.usefixtures("_nothing_to_choose")
def test_a_run_goes_on_in_the_precision_that_it_was_begun_in() -> None:
    explained = explain(before="float32")
    assert explained.path.precision == "float32"
    assert "was started with" in explained.reasons["precision"]


@pytest.mark.parametrize(
    ("length", "is_compiled"),
    [
        ({"train_time": 20.0}, True),
        ({"train_time": 19.0}, False),
        ({"steps": 10**6}, True),
        ({"steps": 10}, False),
        ({"epochs": 9.0}, True),
        ({"epochs": 0.01}, False),
    ],
)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_long_run_is_compiled(length: dict[str, Any], is_compiled: bool, precision: str) -> None:
    explained = explain(precision=precision, **length)
    assert explained.path.is_compiled == is_compiled
    assert ("long enough" if is_compiled else "too short") in explained.reasons["compiler"]


@pytest.mark.parametrize(
    ("threads", "batch_size", "shards", "word"),
    [(2, 40, 2, "each of 2"), (3, 40, 2, "3 threads share"), (1, 40, 1, "one thread")],
)
def test_a_batch_is_cut_as_far_as_it_pays(
    threads: int, batch_size: int, shards: int, word: str
) -> None:
    explained = explain(threads=threads, batch_size=batch_size, precision="float32")
    assert explained.path.shards == shards
    assert word in explained.reasons["shards"]


def test_every_fact_of_a_path_has_a_reason() -> None:
    explained = explain(precision="float32")
    assert set(explained.reasons) == set(explained.path.facts())
    assert all(explained.reasons.values())


def test_what_differs_between_two_machines_is_named() -> None:
    from tui_charrnn.training.engine.paths import format_differences

    then, now = {"threads": "2", "device": "CPU"}, {"threads": "4", "device": "CPU"}
    assert format_differences(then, now) == "threads 2 then, 4 now"
    assert not format_differences(then, then)
