"""The story from sign-up to hand-back, and what it is played with."""
