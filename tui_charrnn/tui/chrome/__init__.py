"""The rows around the panes: title, tabs, keys, notes."""
