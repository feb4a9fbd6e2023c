"""The choice of a path, for devices that this machine need not have."""

from typing import Any

import pytest

from tui_charrnn.config import ModelConfig, TrainingConfig

pytestmark = pytest.mark.tensorflow

MODEL = ModelConfig(hidden_size=300)
TRAINING = TrainingConfig(train_time=60.0, batch_size=40, threads=2)


def explain(
    capability: tuple[int, int] | None = None,
    *,
    gpus: int = 0,
    cell: str = "lstm",
    batch_size: int = 40,
    before: str | None = None,
    layer_norm: bool = False,
    **settings: Any,
) -> Any:
    """The explained path on that many GPUs of that capability, or on the processor."""
    from tui_charrnn.training.devices import Device, Gpu
    from tui_charrnn.training.paths import RunSize, explain_path

    values = {**TRAINING.to_mapping(), **settings}
    if "steps" in settings or "epochs" in settings:
        values["train_time"] = None
    return explain_path(
        Device((Gpu("Some GPU", capability),) * gpus),
        ModelConfig(cell=cell, hidden_size=300, layer_norm=layer_norm),
        TrainingConfig.from_mapping(values),
        RunSize(90, batch_size, 500_000),
        before,
    )


@pytest.fixture
def gain(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, int]]:
    """What was measured: H, B of a shard, G; bfloat16 is then twice as fast."""
    from tui_charrnn.training import paths

    measured = []

    def measure(hidden_size: int, streams: int, gates: int) -> float:
        measured.append((hidden_size, streams, gates))
        return 2.0

    monkeypatch.setattr(paths, "measure_gain", measure)
    return measured


@pytest.mark.parametrize(
    ("cell", "layers", "word"),
    [("lstm", "cudnn", "kernel for lstm"), ("gru", "cudnn", "gru"), ("rnn", "keras", "no kernel")],
)
def test_a_gpu_takes_cudnn_where_there_is_a_kernel(cell: str, layers: str, word: str) -> None:
    explained = explain((9, 0), gpus=1, cell=cell)
    path = explained.path
    assert (path.device, path.layers, path.shards) == ("Some GPU", layers, 1)
    assert not path.is_compiled
    assert word in explained.reasons["layers"]


def test_a_gpu_has_no_kernel_for_a_normalized_lstm() -> None:
    explained = explain((9, 0), gpus=1, layer_norm=True)
    assert explained.path.layers == "handwritten"
    assert explained.path.steps_per_call == 1
    assert "layer normalization" in explained.reasons["layers"]


def test_only_where_cudnn_computes_the_host_looks_after_several_steps() -> None:
    explained = explain((9, 0), gpus=1)
    assert explained.path.steps_per_call == 32
    assert "after up to 32 steps" in explained.reasons["layers"]
    for other in (explain((9, 0), gpus=1, cell="rnn"), explain(precision="float32")):
        assert other.path.steps_per_call == 1


@pytest.mark.parametrize(
    ("capability", "precision"),
    [((7, 5), "float32"), ((8, 0), "bfloat16"), ((12, 1), "bfloat16"), (None, "float32")],
)
def test_a_gpu_takes_bfloat16_from_capability_8_on(
    capability: tuple[int, int] | None, precision: str
) -> None:
    explained = explain(capability, gpus=1)
    assert explained.path.precision == precision
    assert "8.0" in explained.reasons["precision"]


def test_gpus_that_stay_idle_are_counted() -> None:
    assert "3 more stay idle" in explain((8, 6), gpus=4).reasons["device"]


def test_a_processor_takes_bfloat16_where_it_pays(gain: list[tuple[int, int, int]]) -> None:
    explained = explain(cell="gru")
    assert gain == [(300, 20, 3)]
    assert (explained.path.precision, explained.gain) == ("bfloat16", 2.0)
    assert "2.00 times" in explained.reasons["precision"]
    assert explained.path.facts() == {
        "device": "CPU",
        "layers": "handwritten",
        "compiler": "xla",
        "precision": "bfloat16",
        "shards": "2",
    }


@pytest.mark.parametrize("asked", ["float32", "bfloat16"])
def test_what_is_asked_for_is_not_measured(gain: list[tuple[int, int, int]], asked: str) -> None:
    explained = explain(precision=asked)
    assert explained.path.precision == asked
    assert "the settings ask for it" in explained.reasons["precision"]
    assert gain == []


def test_a_run_goes_on_in_the_precision_that_it_was_begun_in(
    gain: list[tuple[int, int, int]],
) -> None:
    explained = explain(before="float32")
    assert explained.path.precision == "float32"
    assert "begun" in explained.reasons["precision"]
    assert gain == []


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
