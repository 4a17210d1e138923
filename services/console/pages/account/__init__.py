"""A person and their account."""
