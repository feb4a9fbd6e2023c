"""The log probability of a passage, from the activations that it kept."""

import numpy as np

from tui_charrnn.config import ModelConfig
from tui_charrnn.lens.influence import Array, ForwardPass
from tui_charrnn.model.shapes import STATES_PER_LAYER
from tui_charrnn.model.weights import Indices, ModelWeights


def log_probability(
    passage: ForwardPass, weights: ModelWeights, config: ModelConfig, targets: Indices
) -> Array:
    """Log probabilities of characters of a passage, nats.

    Args:
        passage: As it was read.
        weights: Of the network that read it.
        config: Its shape.
        targets: Their places, shape (M,).
    """
    width = STATES_PER_LAYER[config.cell] * config.hidden_size
    tops = [passage.state(place)[-width:][: config.hidden_size] for place in targets.tolist()]
    logits = np.stack(tops) @ weights.output_kernel + weights.output_bias
    chosen = logits[np.arange(len(targets)), passage.indices[targets]]
    result: Array = chosen - np.logaddexp.reduce(logits, axis=1)
    return result
