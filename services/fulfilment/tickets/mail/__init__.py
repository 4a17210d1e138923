"""Tickets by mail: what goes out to the carrier, and what it answers."""
