"""The text that a model generates: shown, searched, selected, saved; and the seed before it."""
