"""A model that is a Markov chain: what it expects next depends on the newest character alone."""

import numpy as np

from tui_charrnn.config import ModelConfig
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import LayerWeights, ModelWeights
from tui_charrnn.text.vocabulary import Vocabulary


def markov_model(
    transitions: np.ndarray, vocabulary: str = "\nabcd", units: str = "characters"
) -> Model:
    """A model whose characters follow each other by given probabilities.

    Its hidden state is 1 at the newest character and -1 elsewhere, so that the scores of the next
    one are the logarithms of a row.

    Args:
        transitions: Shape (V, V), each row summing to 1.
        vocabulary: V characters.
        units: What the text comes in; see `Model.units`.
    """
    size = len(vocabulary)
    identity = np.eye(size, dtype=np.float32)
    scores = np.log(transitions)
    weights = ModelWeights(
        embedding=identity,
        layers=(
            LayerWeights(
                kernel=40 * identity - 20,
                recurrent_kernel=0 * identity,
                bias=np.zeros(size, np.float32),
            ),
        ),
        output_kernel=(scores / 2).astype(np.float32),
        output_bias=(scores.sum(axis=0) / 2).astype(np.float32),
    )
    return Model(
        config=ModelConfig(cell="rnn", embedding_size=size, hidden_size=size),
        vocabulary=Vocabulary(vocabulary),
        weights=weights,
        corpus={"units": units},
        training={},
    )


def random_transitions(size: int, rng_seed: int = 0) -> np.ndarray:
    """Rows of probabilities, none of them near 0."""
    rows = np.random.default_rng(rng_seed).dirichlet(np.full(size, 2.0), size) + 0.02
    return np.asarray(rows / rows.sum(axis=1, keepdims=True))
