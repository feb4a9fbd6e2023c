"""Paired measurements: the training engine against its peers, and what the rest of us costs it.

Run from the root of a checkout, as `python -m benchmarks.train_speed`; README.md says how to read
the results.
"""
