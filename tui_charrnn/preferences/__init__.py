"""What the user prefers: from flags, the environment, a file, or the defaults."""
