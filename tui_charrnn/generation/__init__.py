"""Characters from a trained model, one at a time, in NumPy."""
