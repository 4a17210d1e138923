"""Erasing what is personal of an account; ids and decisions stay."""
