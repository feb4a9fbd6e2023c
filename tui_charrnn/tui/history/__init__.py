"""The history of generated texts: list, search, replay."""
