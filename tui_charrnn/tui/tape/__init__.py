"""The tape: every generated character with its state; go back, choose another, compare branches."""
