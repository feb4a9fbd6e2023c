"""Sizes and the operations that they need."""

import pytest

from benchmarks.speed.sizes import DEFAULT_SIZES, Size, choose_sizes
from tui_charrnn.errors import ConfigError

V = 11


def operations_of_products(size: Size) -> int:
    """The same number from the shapes of the matrices, one product after another."""
    hidden = size.hidden_size
    kernels = [(hidden, 4 * hidden)]  # the first layer's recurrent kernel
    for _ in range(size.layer_count - 1):
        kernels += [(hidden, 4 * hidden), (hidden, 4 * hidden)]  # input and recurrent
    kernels.append((hidden, V))
    total = 0
    for rows, columns in kernels:
        forward = 2 * rows * columns
        gradient_of_inputs = 2 * columns * rows
        gradient_of_kernel = 2 * rows * columns
        total += forward + gradient_of_inputs + gradient_of_kernel
    return total


@pytest.mark.parametrize("layer_count", [1, 2, 3])
def test_operations_are_those_of_the_products(layer_count: int) -> None:
    size = Size(2, 3, 5, 7, layer_count)
    assert size.operations_per_character(V) == operations_of_products(size)


def test_a_size_is_read_in_the_order_of_its_label() -> None:
    assert Size.parse("2,3,5,7").label == "B2 T3 E5 H7 L1"


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "1,2,3,x", "1,2,3,0"])
def test_what_is_no_size_is_refused_by_name(text: str) -> None:
    with pytest.raises(ConfigError, match=f"Received: {text!r}"):
        Size.parse(text)


def test_every_size_gets_every_number_of_layers() -> None:
    labels = [size.label for size in choose_sizes(["2,3,5,7", "4,6,8,9"], "1,3")]
    assert labels == ["B2 T3 E5 H7 L1", "B2 T3 E5 H7 L3", "B4 T6 E8 H9 L1", "B4 T6 E8 H9 L3"]


def test_without_sizes_the_default_ones_are_taken() -> None:
    assert choose_sizes([], "1") == list(DEFAULT_SIZES)


@pytest.mark.parametrize("layers", ["", "0", "two"])
def test_what_is_no_number_of_layers_is_refused(layers: str) -> None:
    with pytest.raises(ConfigError, match="Layers are numbers"):
        choose_sizes([], layers)
