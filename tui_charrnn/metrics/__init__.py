"""Arithmetic on losses: nats, bits per character, perplexity, smoothing, bounded histories."""

from tui_charrnn.metrics.history import Bucket, LossHistory
from tui_charrnn.metrics.smoothing import DECAY, RunningMean, smoothed_means
from tui_charrnn.metrics.units import bits_per_character, perplexity

__all__ = [
    "DECAY",
    "Bucket",
    "LossHistory",
    "RunningMean",
    "bits_per_character",
    "perplexity",
    "smoothed_means",
]
