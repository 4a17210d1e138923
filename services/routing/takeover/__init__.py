"""Routing's own events on the log: what its database lost of them is taken over at the start."""
