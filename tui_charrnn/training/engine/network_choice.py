"""Which network computes what a path says."""

import tensorflow as tf

from tui_charrnn.config import ModelConfig
from tui_charrnn.training.engine.library_network import LibraryNetwork, cudnn_layers, keras_layers
from tui_charrnn.training.engine.network import HandwrittenNetwork
from tui_charrnn.training.engine.paths import ComputePath
from tui_charrnn.training.engine.precision import Arithmetic


def build_network(
    model: ModelConfig, vocabulary_size: int, path: ComputePath
) -> HandwrittenNetwork | LibraryNetwork:
    """The network of a path; it holds no weights.

    Args:
        model: Its shape.
        vocabulary_size: V.
        path: Which layers, in which precision.
    """
    is_narrow = path.precision == "bfloat16"
    if path.layers != "handwritten":
        dtype = tf.bfloat16 if is_narrow else tf.float32
        is_cudnn = path.layers == "cudnn"
        layers = cudnn_layers(model) if is_cudnn else keras_layers(model, dtype)
        return LibraryNetwork(model, vocabulary_size, layers, dtype)
    arithmetic = Arithmetic(
        is_narrow,
        is_fused=path.is_compiled and not path.has_compiled_step,
        is_stacked=path.is_gpu,
    )
    return HandwrittenNetwork(model, vocabulary_size, arithmetic)
