"""A client sees what a 3PL asks for, and accepts it."""
