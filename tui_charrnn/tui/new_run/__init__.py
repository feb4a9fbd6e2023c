"""The form that starts a new run."""
