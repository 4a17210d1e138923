"""A brand as its 3PL entered it, and the link that it is to get."""
