"""The runs pane: the list of all runs of a folder, and the actions on one."""
