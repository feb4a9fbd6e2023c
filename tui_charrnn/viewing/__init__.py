"""What whoever looks makes of a run: its records folded into numbers, and the numbers in words."""
