"""The text pane: shows, searches, selects and saves generated text; and the seed input."""
