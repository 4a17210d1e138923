"""One connection: switching, settings, history, and its end."""
