"""The graph of a step for a GPU can be built, and all its operations have GPU kernels.

No GPU is needed for it: the package of TensorFlow knows its kernels for GPUs on any machine.
"""

import sys
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import pytest

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.training.nvidia import Gpu

pytestmark = pytest.mark.tensorflow

V, B, T = 7, 4, 3
DROPOUT: Final[dict[str, Any]] = {"dropout": 0.2, "recurrent_weight_dropout": 0.1}
CASES: Final[dict[str, tuple[dict[str, Any], int]]] = {
    # what is around the layers is the same for all cells
    "lstm": ({"layer_count": 2, "tied_output": True}, 6),
    "lstm+norm": ({"layer_norm": True}, 2),
    "gru": ({}, 6),
    "rnn": ({}, 4),
}
"""Networks, and how many ways there are to train them."""
HOST_OPS: Final = frozenset({"NoOp", "VarHandleOp", "Const", "_Arg", "_Retval"})
"""Of a graph, not of a kernel that computes."""


@pytest.fixture(autouse=True)
def gpu_in_the_eyes_of_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras  # noqa: F401  loads the module below

    module = sys.modules["keras.src.backend.tensorflow.rnn"]
    monkeypatch.setattr(module, "_is_gpu_available", lambda: True)


def traced(network: str) -> Iterator[tuple[Any, Any]]:
    """Yield every compute path of a network, with the graph of its step."""
    from tui_charrnn.training.engine.engine import Engine
    from tui_charrnn.training.engine.paths import Device, gpu_paths

    shape, cell = CASES[network][0], network.partition("+")[0]
    model = ModelConfig(**{"cell": cell, "embedding_size": 8, "hidden_size": 8, **shape})
    training = TrainingConfig(batch_size=B, sequence_length=T, steps=1, **DROPOUT)
    for path in gpu_paths(Device((Gpu("NVIDIA H100", "9.0"),)), model, "auto"):
        yield (
            path,
            Engine(model, training, V, B, path)._multi_step._run.get_concrete_function().graph,
        )


@pytest.mark.parametrize("network", CASES)
def test_the_graph_of_every_way_is_built_and_has_kernels(network: str) -> None:
    paths = []
    for path, graph in traced(network):
        nodes = list(all_nodes(graph))
        paths.append(path)
        operations = {node.op for node in nodes}
        expected = {"cudnn": "CudnnRNNBackpropV2", "keras": "CudnnRNNBackpropV3"}.get(path.layers)
        assert expected is None or expected in operations, path
        assert "PyFunc" not in operations  # nothing is fetched from the host's Python
        assert [node.op for node in nodes if not has_gpu_kernel(node)] == [], path
    assert len(paths) == CASES[network][1]


def all_nodes(graph: Any) -> Iterator[Any]:
    """Yield the nodes of a graph and of its functions, except those on the host."""
    definition = graph.as_graph_def()
    for nodes in (definition.node, *(each.node_def for each in definition.library.function)):
        for node in nodes:
            if "CPU" not in node.device:
                yield node


def has_gpu_kernel(node: Any) -> bool:
    """Whether TensorFlow has a GPU kernel for an operation with these types."""
    found = kernels_of(node.op)
    if not found or node.op in HOST_OPS:  # without a kernel anywhere: another function is called
        return True
    return any(
        kernel.device_type in {"GPU", "DEFAULT"}
        and all(
            node.attr[each.name].type in each.allowed_values.list.type for each in kernel.constraint
        )
        for kernel in found
    )


@cache
def kernels_of(operation: str) -> Any:
    """Return TensorFlow's kernels for an operation; cached, as each look-up scans all kernels."""
    from tensorflow.python.framework import kernels

    return kernels.get_registered_kernels_for_op(operation).kernel
