"""Orders that went back: what of them is not attempted any more, and who is told to stop."""
