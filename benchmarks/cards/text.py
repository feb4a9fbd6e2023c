"""The random characters that every row reads: a step takes as long whatever it reads."""

import numpy as np

from benchmarks.cards.rows import VOCABULARY_SIZE, Network
from tui_charrnn.text.batches import Int32

LEARNING_RATE = 1e-3
EMBEDDING_SIZE = 64
WINDOWS = 16
"""Different windows that come round again."""


def windows(network: Network) -> list[tuple[Int32, Int32]]:
    """Inputs and targets, each of shape (B, T)."""
    shape = (WINDOWS, network.batch_size, network.sequence_length + 1)
    texts = np.random.default_rng(0).integers(0, VOCABULARY_SIZE, shape, dtype=np.int32)
    return [(text[:, :-1], text[:, 1:]) for text in texts]
