"""Train a character-level LSTM and generate text with it, in a terminal."""

__version__ = "0.1.0"
