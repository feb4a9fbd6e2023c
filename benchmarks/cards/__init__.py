"""What `python -m benchmarks.gpu` compares on one card, row by row."""
