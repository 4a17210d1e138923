"""A 3PL in its brand's name, for some minutes."""
