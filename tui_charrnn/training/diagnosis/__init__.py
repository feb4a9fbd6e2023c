"""Processes that load TensorFlow to find what a training would do, and their results."""
