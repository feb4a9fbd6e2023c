"""Several processes as one training: who they are, how they meet, whether all are there."""
