"""The run directory: the only contract between a trainer and its viewers."""
