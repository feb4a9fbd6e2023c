"""The list of all runs of a folder, and what can be done with one."""
