"""Reads corpora and makes batches of character indices; vocabulary, baselines, originality."""
