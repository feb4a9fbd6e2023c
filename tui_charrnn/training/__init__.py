"""The trainer: the only package that imports TensorFlow."""
