"""A 3PL adds a brand; the brand logs in for the first time."""
