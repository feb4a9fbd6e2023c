"""What a model expected of one character, as rows of predictions have it."""

import numpy as np

from tui_charrnn.lens.reading import Prediction, predict_each
from tui_charrnn.model.weights import Float32


def predict(logits: Float32, came: int, count: int) -> Prediction:
    """What was expected of a character.

    Args:
        logits: The scores of all characters before it came, shape (V,).
        came: The number of the one that did.
        count: How many alternatives are wanted.
    """
    return predict_each(logits[None], np.array([came]), count).of(0)
