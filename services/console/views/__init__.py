"""Saved views: filters of lists that a person gave a name."""
