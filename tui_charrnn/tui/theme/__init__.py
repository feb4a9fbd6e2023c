"""Themes, the theme picker, and filters for terminals without colors or Unicode."""
