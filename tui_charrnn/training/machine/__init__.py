"""What this machine gives a training, and what a training takes of it."""
