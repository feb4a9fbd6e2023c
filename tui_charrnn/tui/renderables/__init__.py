"""Turns text and numbers into rows for the screen; knows nothing of widgets."""
