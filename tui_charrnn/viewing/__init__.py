"""A run as its viewers show it: its records folded into numbers, and the numbers in words."""
