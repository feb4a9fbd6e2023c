"""The Textual app: it draws records and posts intents, and computes nothing."""
