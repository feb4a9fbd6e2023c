"""The run directory: the only contract between a trainer and whoever looks at it."""
