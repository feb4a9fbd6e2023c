"""Training a network in TensorFlow, and the choice of a compute path."""
