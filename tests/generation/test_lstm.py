"""The step, against a reference that computes every gate of every unit separately."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from tests.support.tiny_model import model_of, random_tensors
from tui_charrnn.config import ModelConfig
from tui_charrnn.generation import lstm
from tui_charrnn.generation.lstm import Stepper, fold_embedding
from tui_charrnn.model.weights import (
    Float32,
    LayerWeights,
    ModelWeights,
    weights_from_tensors,
)

TEXT = (3, 0, 6, 6, 1, 5, 2)
VOCABULARY_SIZE = 7

CONFIGS = (
    [
        ModelConfig(cell=cell, embedding_size=3, hidden_size=5, layer_count=layers)
        for cell in ("lstm", "gru", "rnn")
        for layers in (1, 2, 3)
    ]
    + [
        ModelConfig(cell=cell, embedding_size=5, hidden_size=5, layer_count=2, tied_output=True)
        for cell in ("lstm", "gru", "rnn")
    ]
    + [
        ModelConfig(embedding_size=3, hidden_size=5, layer_count=layers, layer_norm=True)
        for layers in (1, 2)
    ]
)


def random_weights(config: ModelConfig) -> ModelWeights:
    return weights_from_tensors(random_tensors(config, VOCABULARY_SIZE), config)


def name_of(config: ModelConfig) -> str:
    name = f"{config.cell}-{config.layer_count}" + ("-tied" if config.tied_output else "")
    return name + ("-normalized" if config.layer_norm else "")


class NaiveLayer:
    """One layer in plain Python, unit by unit, its state kept in lists."""

    def __init__(self, weights: LayerWeights, cell: str) -> None:
        self.weights, self.cell = weights, cell
        self.size = weights.recurrent_kernel.shape[0]
        self.h, self.c = [0.0] * self.size, [0.0] * self.size

    def from_input(self, x: Sequence[float], gate: int, unit: int) -> float:
        column = gate * self.size + unit
        bias = self.weights.bias[0] if self.cell == "gru" else self.weights.bias
        return float(bias[column]) + sum(
            x[row] * float(self.weights.kernel[row, column]) for row in range(len(x))
        )

    def from_hidden(self, gate: int, unit: int) -> float:
        column = gate * self.size + unit
        bias = float(self.weights.bias[1][column]) if self.cell == "gru" else 0.0
        return bias + sum(
            self.h[row] * float(self.weights.recurrent_kernel[row, column])
            for row in range(self.size)
        )

    def read(self, x: Sequence[float]) -> list[float]:
        if self.weights.norm is not None:
            self.h, self.c = self.normalized_units(x)
            return self.h
        units = [getattr(self, f"{self.cell}_unit")(x, unit) for unit in range(self.size)]
        self.h, self.c = [h for h, _ in units], [c for _, c in units]
        return self.h

    def normalized_units(self, x: Sequence[float]) -> tuple[list[float], list[float]]:
        norm, bias, units = self.weights.norm, self.weights.bias, range(self.size)
        assert norm is not None
        gates = []
        for gate in range(4):
            sums = [
                self.from_input(x, gate, unit)
                - float(bias[gate * self.size + unit])
                + self.from_hidden(gate, unit)
                for unit in units
            ]
            gains, biases = (
                each[gate * self.size : (gate + 1) * self.size] for each in (norm.gate_gain, bias)
            )
            gates.append(normalized(sums, gains, biases))
        i, f, candidate, o = gates
        c = [
            sigmoid(f[unit]) * self.c[unit] + sigmoid(i[unit]) * math.tanh(candidate[unit])
            for unit in units
        ]
        let_out = normalized(c, norm.memory_gain, norm.memory_bias)
        return [sigmoid(o[unit]) * math.tanh(let_out[unit]) for unit in units], c

    def lstm_unit(self, x: Sequence[float], unit: int) -> tuple[float, float]:
        i, f, candidate, o = (
            self.from_input(x, gate, unit) + self.from_hidden(gate, unit) for gate in range(4)
        )
        c = sigmoid(f) * self.c[unit] + sigmoid(i) * math.tanh(candidate)
        return sigmoid(o) * math.tanh(c), c

    def gru_unit(self, x: Sequence[float], unit: int) -> tuple[float, float]:
        z = sigmoid(self.from_input(x, 0, unit) + self.from_hidden(0, unit))
        r = sigmoid(self.from_input(x, 1, unit) + self.from_hidden(1, unit))
        candidate = math.tanh(self.from_input(x, 2, unit) + r * self.from_hidden(2, unit))
        return z * self.h[unit] + (1 - z) * candidate, 0.0

    def rnn_unit(self, x: Sequence[float], unit: int) -> tuple[float, float]:
        return math.tanh(self.from_input(x, 0, unit) + self.from_hidden(0, unit)), 0.0


def normalized(values: Sequence[float], gains: Float32, biases: Float32) -> list[float]:
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / len(values)
    root = math.sqrt(variance + 1e-5)
    return [
        float(gain) * (value - mean) / root + float(bias)
        for value, gain, bias in zip(values, gains, biases, strict=True)
    ]


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def naive_logits(weights: ModelWeights, cell: str, text: Sequence[int]) -> list[list[float]]:
    layers = [NaiveLayer(layer, cell) for layer in weights.layers]
    rows = []
    for index in text:
        values = [float(number) for number in weights.embedding[index]]
        for layer in layers:
            values = layer.read(values)
        rows.append([
            float(weights.output_bias[character])
            + sum(
                value * float(weights.output_kernel[unit, character])
                for unit, value in enumerate(values)
            )
            for character in range(len(weights.output_bias))
        ])
    return rows


@pytest.mark.parametrize("config", CONFIGS, ids=name_of)
def test_logits_are_those_of_the_naive_loop(config: ModelConfig) -> None:
    weights = random_weights(config)
    stepper = Stepper(fold_embedding(model_of(weights, config)))
    rows = [stepper.read(index).copy() for index in TEXT]

    assert np.array(rows).dtype == np.float32
    np.testing.assert_allclose(
        np.array(rows), naive_logits(weights, config.cell, TEXT), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("config", CONFIGS, ids=name_of)
def test_a_state_that_is_written_back_is_gone_on_from(config: ModelConfig) -> None:
    folded = fold_embedding(model_of(random_weights(config), config))
    stepper, other = Stepper(folded), Stepper(folded)
    for index in TEXT[:3]:
        stepper.read(index)
    other.restore(stepper.state)
    expected = [stepper.read(index).copy() for index in TEXT[3:]]

    np.testing.assert_array_equal([other.read(index).copy() for index in TEXT[3:]], expected)


def test_a_state_is_written_by_restore_only() -> None:
    config = CONFIGS[0]
    stepper = Stepper(fold_embedding(model_of(random_weights(config), config)))
    with pytest.raises(ValueError, match="read-only"):
        stepper.state[:] = 0


@pytest.mark.parametrize("config", CONFIGS, ids=name_of)
def test_texts_side_by_side_are_read_as_alone(config: ModelConfig) -> None:
    folded = fold_embedding(model_of(random_weights(config), config))
    texts = np.array([TEXT, TEXT[::-1], TEXT[1:] + TEXT[:1]])
    together = Stepper(folded, len(texts))
    rows = [together.read_each(indices).copy() for indices in texts.T]

    for number, text in enumerate(texts):
        alone = Stepper(folded)
        expected = [alone.read(int(index)).copy() for index in text]
        np.testing.assert_allclose([row[number] for row in rows], expected, rtol=0, atol=1e-6)
        np.testing.assert_allclose(together.state[number], alone.state, rtol=0, atol=1e-6)


@pytest.mark.parametrize("config", CONFIGS, ids=name_of)
def test_the_gates_are_those_that_make_the_state(config: ModelConfig) -> None:
    weights = random_weights(config)
    stepper = Stepper(fold_embedding(model_of(weights, config)))
    for index in TEXT:
        before = stepper.state.copy()
        stepper.read(index)
    size = config.hidden_size * (2 if config.cell == "lstm" else 1)
    for number, layer in enumerate(stepper.layers):
        parts, old = layer.parts, before[number * size : (number + 1) * size]
        if config.cell == "lstm":
            cell = parts["f"] * old[config.hidden_size :] + parts["i"] * parts["g"]
            norm = weights.layers[number].norm
            if norm is not None:
                cell = (cell - cell.mean()) / np.sqrt(cell.var() + 1e-5)
                cell = cell * norm.memory_gain + norm.memory_bias
            expected = parts["o"] * np.tanh(cell)
        elif config.cell == "gru":
            expected = parts["z"] * old + (1 - parts["z"]) * parts["g"]
        else:
            assert [*parts] == ["h"]
            continue
        np.testing.assert_allclose(parts["h"], expected, rtol=0, atol=1e-6)


def test_tensors_that_lie_unaligned_in_a_file_are_made_ready() -> None:
    config = CONFIGS[0]
    weights = random_weights(config)
    kernel = weights.layers[0].recurrent_kernel
    unaligned = np.frombuffer(b"x" + kernel.tobytes(), np.uint8)[1:].view(np.float32)
    assert not unaligned.flags.aligned
    layer = LayerWeights(
        weights.layers[0].kernel, unaligned.reshape(kernel.shape), weights.layers[0].bias
    )
    moved = ModelWeights(weights.embedding, (layer,), weights.output_kernel, weights.output_bias)

    folded = fold_embedding(model_of(moved, config))

    for tensor in (*folded.layers[0].recurrent_blocks, folded.output_kernel):
        assert tensor.flags.aligned
        assert tensor.ctypes.data % 64 == 0  # where a cache line begins
    expected = Stepper(fold_embedding(model_of(weights, config)))
    np.testing.assert_array_equal(Stepper(folded).read(1), expected.read(1))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_a_kernel_that_is_larger_than_the_cache_is_read_in_blocks(
    monkeypatch: pytest.MonkeyPatch, cell: str
) -> None:
    config = ModelConfig(cell=cell, hidden_size=48, embedding_size=5)
    weights = random_weights(config)
    whole = Stepper(fold_embedding(model_of(weights, config)))
    monkeypatch.setattr(lstm, "_CACHED", 1024)
    monkeypatch.setattr(lstm, "_BLOCK", 4096)
    folded = fold_embedding(model_of(weights, config))
    assert len(folded.layers[0].recurrent_blocks) > 1
    alone, together = Stepper(folded), Stepper(folded, 2)

    for index in TEXT:
        logits = alone.read(index)
        np.testing.assert_allclose(logits, whole.read(index), rtol=0, atol=1e-5)
        both = together.read_each(np.array([index, index]))
        np.testing.assert_allclose(both, [logits, logits], rtol=0, atol=1e-5)


def test_no_bit_depends_on_the_direction_in_which_the_blocks_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lstm, "_CACHED", 1024)
    monkeypatch.setattr(lstm, "_BLOCK", 4096)
    config = ModelConfig(hidden_size=48, embedding_size=5)
    folded = fold_embedding(model_of(random_weights(config), config))
    forth, back = Stepper(folded), Stepper(folded)
    back.read(0)
    back.restore(0)

    for index in TEXT:
        np.testing.assert_array_equal(forth.read(index), back.read(index))


@pytest.mark.parametrize("config", [*CONFIGS[:7:3], CONFIGS[-1]], ids=name_of)
def test_saturated_gates_overflow_nothing(config: ModelConfig) -> None:
    weights = random_weights(config)
    loud = ModelWeights(
        weights.embedding * 1e6, weights.layers, weights.output_kernel, weights.output_bias
    )
    logits = Stepper(fold_embedding(model_of(loud, config))).read(0)

    assert np.isfinite(logits).all()
