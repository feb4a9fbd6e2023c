"""Interpretability of a model while it reads: predictions, states, gates, and roles of neurons."""
