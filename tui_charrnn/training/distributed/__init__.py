"""Training on several devices and in several processes, by TensorFlow's own strategies."""
