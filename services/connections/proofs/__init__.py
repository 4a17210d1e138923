"""Proven stores: an answer from the domain says whose a shop is; who is told of it."""
