"""What can be seen inside a model while it reads: predictions, states, gates, and what cells do."""
