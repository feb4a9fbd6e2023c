"""The tape panel: go back over a text, choose other characters, list and compare branches."""
