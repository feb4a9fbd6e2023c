"""Formats runs, models and texts for display in the app and the commands."""
