"""How a network is computed in TensorFlow, and the choice of a way to compute it."""
