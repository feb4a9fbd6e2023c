"""The step in int8: against a loop in Python, with and without NumKong."""

import gc
import sys
import weakref
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.support.tiny_model import tiny_config, tiny_model
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ModelFileError
from tui_charrnn.generation import products
from tui_charrnn.generation.lstm import Stepper, StepWeights, fold_embedding
from tui_charrnn.generation.neuron import parse_clamps
from tui_charrnn.generation.products import (
    Float32Product,
    Int8Product,
    load_library,
    quantize,
)
from tui_charrnn.generation.side_by_side import SideBySide
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import Float32

CELLS = ["lstm", "gru", "rnn", "lstm+ln"]
TEXT = (3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8)


@pytest.fixture(autouse=True)
def fresh_library() -> Iterator[None]:
    """Nothing of a library that a test has put in the place of NumKong stays."""
    load_library.cache_clear()
    yield
    load_library.cache_clear()


@pytest.fixture
def without_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where NumKong is not installed."""
    monkeypatch.setitem(sys.modules, "numkong", None)


def network(cell: str, layers: int = 2, hidden_size: int = 21) -> Model:
    config = tiny_config(cell=cell, layer_count=layers, hidden_size=hidden_size)
    return replace(tiny_model(config=config), numbers="int8")


def folded(model: Model, numbers: str = "int8") -> StepWeights:
    return fold_embedding(replace(model, numbers=numbers))


def read(weights: StepWeights, streams: int | None = None) -> list[Float32]:
    """The scores after each character of a text, and the state after the last."""
    stepper, kept = Stepper(weights, streams), []
    for index in TEXT:
        kept.append(stepper.read(index).copy())
    return [*kept, stepper.state.copy()]


def multiplied(hidden: Float32, recurrent: Float32, above: Float32) -> tuple[Float32, Float32]:
    """The products of h by both kernels, in int8."""
    exact = Float32Product(hidden, [recurrent], above)
    product = Int8Product(hidden, quantize([recurrent], above), exact)
    for call in product.calls.after:
        call()
    return product.recurrent, product.above


def test_a_kernel_and_h_are_rounded_to_127_steps_and_multiplied_exactly(
    without_library: None,
) -> None:
    rng = np.random.default_rng(0)
    kernel = rng.standard_normal((5, 9)).astype(np.float32)
    hidden = rng.uniform(-1, 1, 5).astype(np.float32)
    found = np.concatenate(multiplied(hidden, kernel[:, :6], kernel[:, 6:]))

    h = [round(float(np.float32(value) * np.float32(127))) for value in hidden]
    for place, column in enumerate(kernel.T):
        step = float(np.abs(column).max() / np.float32(127))
        whole = [round(float(value) / step) for value in column]
        expected = sum(a * b for a, b in zip(h, whole, strict=True)) * step / 127
        assert found[place] == pytest.approx(expected, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("cell", CELLS)
def test_without_the_library_numpy_comes_to_the_same_bits(
    cell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numkong")
    model = network(cell)
    assert not isinstance(folded(model).int8[0].packed, np.ndarray)
    expected = [read(folded(model), streams) for streams in (None, 3)]
    monkeypatch.setitem(sys.modules, "numkong", None)
    for exact_size in (products._EXACT_SIZE, 7):  # sums in float32, and in float64
        load_library.cache_clear()
        monkeypatch.setattr(products, "_EXACT_SIZE", exact_size)
        weights = folded(model)
        assert isinstance(weights.int8[0].packed, np.ndarray)
        for streams, those in zip((None, 3), expected, strict=True):
            for one, other in zip(read(weights, streams), those, strict=True):
                np.testing.assert_array_equal(one, other)


def test_sums_beyond_float32_are_rounded_alike_by_both(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numkong")
    hidden = np.full(2000, 1, np.float32)
    hidden[::7] = 0.4
    kernel = np.ones((2000, 3), np.float32)
    kernel[::5] = 0.37
    found = []
    for is_there in (True, False):
        if not is_there:
            monkeypatch.setitem(sys.modules, "numkong", None)
        load_library.cache_clear()
        found.append(multiplied(hidden, kernel[:, :2], kernel[:, 2:])[1].tolist())
    assert found[0] == found[1]


@pytest.mark.parametrize("cell", CELLS)
def test_rounding_changes_little(cell: str, without_library: None) -> None:
    model = network(cell)
    for one, other in zip(read(folded(model)), read(folded(model, "float32")), strict=True):
        assert 0 < np.abs(one - other).max() < 0.1


@pytest.mark.parametrize("cell", CELLS)
def test_a_state_that_is_written_from_outside_counts(cell: str, without_library: None) -> None:
    weights = folded(network(cell))
    moved, plain = Stepper(weights), Stepper(weights)
    plain.read(TEXT[0])
    kept = plain.state.copy()
    expected = plain.read(TEXT[1]).copy()
    for index in TEXT:
        moved.read(index)
    moved.restore(kept)
    np.testing.assert_array_equal(moved.read(TEXT[1]), expected)


@pytest.mark.parametrize("held", ["0:h2=40", "0:h1=0.5"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_while_a_neuron_is_held_all_is_multiplied_in_float32(
    cell: str, held: str, without_library: None
) -> None:
    model = network(cell)
    clamps = parse_clamps([held], model.config)
    exact, rounded = Stepper(folded(model, "float32")), Stepper(folded(model))
    exact.set_clamps(clamps)
    rounded.set_clamps(clamps)
    for index in TEXT:
        np.testing.assert_array_equal(rounded.read(index), exact.read(index))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_after_a_neuron_was_held_far_away_the_next_step_is_not_rounded_out_of_range(
    cell: str, without_library: None
) -> None:
    model = network(cell, layers=1)
    clamps = parse_clamps(["0:h2=40"], model.config)
    exact, rounded = Stepper(folded(model, "float32")), Stepper(folded(model))
    for stepper in (exact, rounded):
        stepper.set_clamps(clamps)
        stepper.read(TEXT[0])
        stepper.set_clamps(())
    for index in TEXT[1:]:
        expected = exact.read(index)
        np.testing.assert_allclose(rounded.read(index), expected, rtol=0.02, atol=0.2)


def test_scores_that_are_not_finite_are_told(without_library: None) -> None:
    model = network("lstm")
    model.weights.output_kernel[:] = 3e38
    model.weights.layers[-1].bias[:] = 5  # all of h is above 0
    stream = CharacterStream(model, SamplingConfig(rng_seed=0))
    with pytest.raises(ModelFileError, match="not finite"):
        stream.next()


def test_sums_that_may_overflow_are_left_to_float32(without_library: None) -> None:
    model = network("lstm")
    model.weights.output_kernel[:] = 1e30
    exact, rounded = Stepper(folded(model, "float32")), Stepper(folded(model))
    for index in TEXT:
        np.testing.assert_array_equal(rounded.read(index), exact.read(index))


@pytest.mark.parametrize("numbers", ["float32", "int8"])
def test_arrays_are_freed_with_their_stepper(numbers: str, without_library: None) -> None:
    weights = folded(network("lstm+ln"), numbers)
    gc.disable()  # a cycle of references would keep them
    try:
        stepper = Stepper(weights, 3)
        stepper.read(1)
        state = weakref.ref(stepper.state.base)  # which all views of it keep
        del stepper
        assert state() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_texts_side_by_side_are_the_same_bits_as_one_alone(
    cell: str, without_library: None
) -> None:
    model = network(cell)
    sampling = SamplingConfig(temperature=1, rng_seed=5)
    stream = CharacterStream(model, sampling)
    stream.prime("bad")
    batch = SideBySide(stream, 3)
    alone = CharacterStream(model, replace(sampling, rng_seed=7))
    alone.prime("bad")
    for _ in range(40):
        assert batch.next()[2] == alone.next()
        np.testing.assert_array_equal(batch.logits[2], alone.logits)


@pytest.mark.parametrize("sums", [np.int8, np.int32])
def test_a_library_that_adds_or_rounds_otherwise_is_not_used(
    sums: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong: Any = SimpleNamespace(
        get_capabilities=lambda: {"haswell": True},
        zeros=np.zeros,  # arrays, which leave out what is behind the point
        dots_pack=lambda columns, dtype: columns.astype(dtype),
        dots_packed=lambda rows, packed, out: np.matmul(rows, packed.T, out=out, dtype=sums),
    )
    monkeypatch.setitem(sys.modules, "numkong", wrong)
    assert load_library() is None


def test_a_library_without_a_fast_kernel_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numkong")
    capabilities = {"serial": True, "haswell": False, "neonsdot": False}
    monkeypatch.setattr("numkong.get_capabilities", lambda: capabilities)
    assert load_library() is None


def test_the_library_that_is_installed_multiplies_exactly() -> None:
    numkong = pytest.importorskip("numkong")
    rng = np.random.default_rng(3)
    for rows, width, depth in [(1, 16, 1), (1, 1104, 256), (3, 31, 65), (16, 80, 130)]:
        columns = rng.integers(-127, 128, (width, depth)).astype(np.int8)
        columns[0] = 127
        h = rng.integers(-127, 128, (rows, depth)).astype(np.int8)
        h[0] = -127
        out = numkong.zeros((rows, width), dtype="int32")
        numkong.dots_packed(h, numkong.dots_pack(columns, dtype="int8"), out=out)
        expected = h.astype(np.int32) @ columns.T.astype(np.int32)
        np.testing.assert_array_equal(np.asarray(out), expected)
