"""Train a character-level LSTM and talk to it, in a terminal."""

__version__ = "0.1.0"
