"""How well endpoints take what is sent to them, as numbers."""
