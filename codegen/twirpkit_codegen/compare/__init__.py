"""Comparison: two versions of an API become a list of changes."""
