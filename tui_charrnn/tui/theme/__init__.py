"""Themes: read, chosen, applied, and filters for terminals with fewer colors."""
