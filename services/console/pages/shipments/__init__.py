"""Shipments: what is to be packed, its label, and what became of it."""
