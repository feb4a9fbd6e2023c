"""Processes that load TensorFlow to say what a training would do, and what they tell."""
