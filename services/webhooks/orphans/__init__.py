"""Deliveries that wait for their lane although nothing is before them in it."""
