"""Orders that a brand sends to itself, to see what happens: marked, and cancelled by themselves."""
