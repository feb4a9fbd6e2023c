"""A loss in other units."""

import math


def bits_per_character(loss: float) -> float:
    """Turn nats per character into bits per character."""
    return loss / math.log(2)


def perplexity(loss: float) -> float:
    """Turn nats per character into perplexity per character; infinite where a float ends."""
    return math.exp(loss) if loss < 700 else math.inf
