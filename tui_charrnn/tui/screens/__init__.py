"""Whole screens, each a small class."""
