"""Signing keys: which key signs access tokens, which verify them, and how they take turns."""
