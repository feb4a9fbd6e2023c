"""The loss chart, drawn by hand: pure functions from a run to rows of marked text."""
