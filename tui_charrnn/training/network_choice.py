"""Which network computes what a path says."""

from tui_charrnn.config import ModelConfig
from tui_charrnn.training.keras_network import KerasNetwork
from tui_charrnn.training.network import HandwrittenNetwork
from tui_charrnn.training.paths import ComputePath
from tui_charrnn.training.precision import Arithmetic


def build_network(
    model: ModelConfig, vocabulary_size: int, path: ComputePath
) -> HandwrittenNetwork | KerasNetwork:
    """The network of a path; it holds no weights.

    Args:
        model: Its shape.
        vocabulary_size: V.
        path: Which layers, in which precision.
    """
    if path.layers != "handwritten":
        use_cudnn = path.layers == "cudnn"
        return KerasNetwork(model, vocabulary_size, path.precision, use_cudnn=use_cudnn)
    is_narrow = path.precision == "bfloat16"
    arithmetic = Arithmetic(is_narrow, is_fused=is_narrow and path.is_compiled)
    return HandwrittenNetwork(model, vocabulary_size, arithmetic)
